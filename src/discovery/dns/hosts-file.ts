/**
 * The file /etc/hosts, read as hosts(5) says, and `localhost`, which is this machine everywhere
 * (RFC 6761 §6.3).
 *
 * Text in, values out: `machine.ts` reads the file.
 */
import { isIP } from "node:net";

/** Addresses of one name, in the order of the file. */
export interface HostsEntry {
  readonly a: readonly string[];
  readonly aaaa: readonly string[];
}

/** By name, in lower case. */
export type HostsFile = ReadonlyMap<string, HostsEntry>;

const LOOPBACK: HostsEntry = { a: ["127.0.0.1"], aaaa: ["::1"] };

/** Never fails: a line that makes no sense is passed over. */
export function parseHostsFile(text: string): HostsFile {
  const entries = new Map<string, { a: string[]; aaaa: string[] }>();
  for (const line of text.split("\n")) {
    const [ip, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    const family = isIP(ip);
    if (family === 0) continue;
    for (const name of names) {
      const key = withoutDot(name.toLowerCase());
      const entry = entries.get(key) ?? { a: [], aaaa: [] };
      entries.set(key, entry);
      (family === 4 ? entry.a : entry.aaaa).push(ip);
    }
  }
  return entries;
}

/** What the file says of a name, in lower case; null when DNS is to be asked. */
export function findInHosts(hosts: HostsFile, host: string): HostsEntry | null {
  const name = withoutDot(host);
  const isLocal = name === "localhost" || name.endsWith(".localhost");
  return hosts.get(name) ?? (isLocal ? LOOPBACK : null);
}

function withoutDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}
