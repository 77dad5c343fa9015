/**
 * TCP connections of processes to pods, as the kernel knows them (proc(5): `/proc/net/tcp`, and the
 * sockets among a process' descriptors): so those of any proxy can be counted. Linux alone.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** TCP_ESTABLISHED (include/net/tcp_states.h). */
const ESTABLISHED = "01";

/**
 * How many open connections the processes and their children have to addresses; null where the
 * system does not tell.
 *
 * @param addresses ip:port of IPv4.
 */
export function countConnections(
  addresses: readonly string[],
  pids: readonly number[],
): number | null {
  const sockets = socketsTo(new Set(addresses.map(kernelAddress)));
  if (sockets === null) return null;
  let count = 0;
  for (const pid of withDescendants(pids)) {
    for (const inode of socketsOf(pid)) if (sockets.has(inode)) count += 1;
  }
  return count;
}

/** Inodes of the sockets that are connected to one of the addresses. */
function socketsTo(addresses: ReadonlySet<string>): ReadonlySet<string> | null {
  const lines = readLines("/proc/self/net/tcp");
  if (lines === null) return null;
  const inodes = new Set<string>();
  for (const line of lines) {
    const [, , remote = "", state, , , , , , inode = ""] = line.trim().split(/\s+/);
    if (state === ESTABLISHED && addresses.has(remote)) inodes.add(inode);
  }
  return inodes;
}

/** "127.0.1.1:50051" -> "0101007F:C383" */
function kernelAddress(address: string): string {
  const [ip = "", port] = address.split(":");
  const bytes = ip.split(".").toReversed();
  const hex = bytes.map((byte) => Number(byte).toString(16).padStart(2, "0")).join("");
  return `${hex}:${Number(port).toString(16).padStart(4, "0")}`.toUpperCase();
}

function socketsOf(pid: number): readonly string[] {
  try {
    const descriptors = readdirSync(`/proc/${pid}/fd`);
    return descriptors.flatMap((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode === undefined ? [] : [inode];
    });
  } catch {
    return []; // it has ended meanwhile
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function withDescendants(pids: readonly number[]): ReadonlySet<number> {
  const all = new Set<number>();
  const waiting = [...pids];
  while (waiting.length > 0) {
    const pid = waiting.pop()!;
    if (all.has(pid)) continue;
    all.add(pid);
    const children = readLines(`/proc/${pid}/task/${pid}/children`)?.[0] ?? "";
    waiting.push(...children.split(" ").filter(Boolean).map(Number));
  }
  return all;
}

function readLines(path: string): readonly string[] | null {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return null;
  }
}
