/**
 * Where programs of others are looked for on this machine: on the PATH, and in a checkout where
 * `npm run peers` puts them. It starts nothing.
 */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";

/** Those of the PATH, in its order. */
export function pathDirectories(): readonly string[] {
  return (process.env.PATH ?? "").split(delimiter).filter((directory) => directory !== "");
}

/** Whether there is a program of this path that we may start. */
export function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Where `npm run peers` installs; null in a package, which has nothing of the kind. */
export function peersDirectory(): string | null {
  if (process.env.FAIRLEAD_PEERS_DIR) return process.env.FAIRLEAD_PEERS_DIR;
  const here = import.meta.url;
  return here.endsWith(".ts") ? fileURLToPath(new URL("../../.peers", here)) : null;
}
