/**
 * Programs that are not Node's on the lab's leash: nginx, Envoy, a server of Python.
 *
 * They know nothing of an IPC channel, so a shell watches for them. It reads a pipe whose other end
 * only the lab holds, and at its end (the lab is gone, or has let go of the program) kills the
 * whole process group: the program with all workers that it has started. The program itself takes
 * the place of the shell that began, so that it has the process id that the lab knows, and gets its
 * signals. POSIX sh: no helper of ours outlives anything, and nothing has to be installed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { ChildMessage } from "../messages.ts";

/**
 * `$0` and `$@` are the program and its arguments. The watcher holds nothing of the program's
 * output, for the end of that is read elsewhere.
 */
const LEASHED = '(read -r _ <&3; kill -KILL 0) >/dev/null 2>&1 & exec "$0" "$@" 3<&-';

/**
 * Starts a program in a process group of its own, on the leash. Its stderr is a pipe; so are stdin
 * and stdout when it `talks`, else they are empty and nowhere.
 */
export function spawnLeashed(
  argv: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  talks: boolean,
): ChildProcess {
  const line = talks ? "pipe" : "ignore";
  const child = spawn("/bin/sh", ["-c", LEASHED, ...argv], {
    ...{ env, detached: true },
    stdio: [line, line, "pipe", "pipe"],
  });
  const leash = child.stdio[3];
  // The watcher ends with what it watches, and takes the workers that this has left.
  child.once("exit", () => leash?.destroy());
  // Its end may come while nothing here expects anything of it.
  leash?.on("error", () => {});
  return child;
}

/** Calls `listener` for each line that is an object of JSON; others are not for us. */
export function onJsonLine(stdout: Readable, listener: (message: ChildMessage) => void): void {
  createInterface(stdout).on("line", (line) => {
    if (line.startsWith("{")) listener(JSON.parse(line) as ChildMessage);
  });
}
