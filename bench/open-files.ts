/**
 * How many files this process, and so everything it starts, may have open: `ulimit -n`.
 */
import { spawnSync } from "node:child_process";

/** The limit; Infinity when there is none. */
export function openFilesLimit(): number {
  const text = spawnSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).stdout.trim();
  return /^\d+$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
}
