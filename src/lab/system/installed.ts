/**
 * Where programs of others are looked for on this machine. It starts nothing.
 */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter } from "node:path";

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
