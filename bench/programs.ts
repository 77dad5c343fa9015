/**
 * Peers that a benchmark cannot do without.
 */
import { findPeer } from "../test/peers/find.ts";

/**
 * The path of a peer.
 *
 * @throws Error that names it and the command that installs it.
 */
export function requireProgram(name: string): string {
  const found = findPeer(name);
  if (found === null) throw new Error(`${name} is missing: run npm run peers`);
  return found.path;
}
