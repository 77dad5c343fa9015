/**
 * CPU time and memory of a process with all its descendants, read from /proc (Linux only).
 *
 * CPU is user + system of every thread, living or ended, of the processes in the tree, plus what
 * their ended and waited-for children took. /proc counts in ticks of 10 ms: measure over seconds.
 */
import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ: /proc's tick, 100 per second on every Linux that Node runs on. */
const TICK_US = 10_000;

/** What a process tree has used so far, and holds now. */
export interface Usage {
  /** User + system CPU time since the start, in microseconds. */
  readonly cpuUs: number;
  /** Resident memory now, in bytes: the sum over the processes, shared pages counted in each. */
  readonly rssBytes: number;
  /** The highest resident memory so far, in bytes: the sum of each process's own peak. */
  readonly rssBytesMax: number;
  /** The processes counted, the root first. */
  readonly pids: readonly number[];
}

/** Usage of the tree below `pid`, itself included; zeroes when the process is gone. */
export function readUsage(pid: number): Usage {
  const pids = processTree(pid);
  let cpuUs = 0;
  let rssBytes = 0;
  let rssBytesMax = 0;
  for (const each of pids) {
    const stat = readStat(each);
    if (stat === null) continue;
    cpuUs += stat.cpuUs;
    rssBytes += readStatusBytes(each, "VmRSS");
    rssBytesMax += readStatusBytes(each, "VmHWM");
  }
  return { cpuUs, rssBytes, rssBytesMax, pids };
}

/** `pid` and its descendants, parents before children; empty when it is gone. */
export function processTree(pid: number): number[] {
  const children = new Map<number, number[]>();
  let isAlive = false;
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readStat(Number(entry));
    if (stat === null) continue;
    if (Number(entry) === pid) isAlive = true;
    const siblings = children.get(stat.parent);
    if (siblings === undefined) children.set(stat.parent, [Number(entry)]);
    else siblings.push(Number(entry));
  }
  if (!isAlive) return [];
  const tree = [pid];
  for (const each of tree) tree.push(...(children.get(each) ?? []));
  return tree;
}

function readStat(pid: number): { parent: number; cpuUs: number } | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null; // It ended meanwhile.
  }
  // proc(5): the name stands in parentheses and may hold any character; fields count from there.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  // Field 3 (state) is fields[0]: ppid is 4, utime stime cutime cstime are 14 to 17.
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { parent: Number(fields[1]), cpuUs: ticks * TICK_US };
}

function readStatusBytes(pid: number, key: string): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const kib = new RegExp(`^${key}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
    return kib === undefined ? 0 : Number(kib) * 1024;
  } catch {
    return 0; // It ended meanwhile.
  }
}
