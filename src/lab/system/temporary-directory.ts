/**
 * A directory for files that the lab hands to programs: a kubeconfig, the configuration of a proxy.
 * Under the system's temporary one, and gone with its owner, even one that was killed. It keeps no
 * secret.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LabError } from "../error.ts";

/** Waits for the end of a pipe that only this process holds, then takes the directory away. */
const SWEEPER = 'read -r _ <&3; exec rm -rf -- "$0"';

/** Those that are there; one listener of the process' end is for all of them. */
const all = new Set<TemporaryDirectory>();

/** One of its owner's own. */
export class TemporaryDirectory {
  readonly path: string;
  readonly #sweeper: ChildProcess;
  readonly #sweeperEnded: Promise<void>;

  /** Throws `LabError` when there is no place for it. */
  constructor() {
    this.path = told(() => mkdtempSync(join(tmpdir(), "fairlead-lab-")));
    if (all.size === 0) process.on("exit", removeAll);
    all.add(this);
    this.#sweeper = startSweeper(this.path);
    this.#sweeperEnded = new Promise((resolve) => {
      this.#sweeper.once("exit", () => resolve());
      // Without one the directory stays behind if we are killed: no reason not to begin.
      this.#sweeper.once("error", () => resolve());
    });
  }

  /**
   * Writes a file at once, so that nobody reads half of it. Answers its path. Throws `LabError`
   * when there is no room; the file is as it was then.
   */
  write(name: string, text: string): string {
    const path = join(this.path, name);
    told(() => {
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    });
    return path;
  }

  /** Removes it and all that is in it, at once. Resolves when nothing of it runs any more. */
  async remove(): Promise<void> {
    if (all.delete(this) && all.size === 0) process.off("exit", removeAll);
    rmSync(this.path, { recursive: true, force: true });
    // It is a reason to stay now: whoever waits here waits for it.
    this.#sweeper.ref();
    this.#sweeper.kill("SIGKILL");
    await this.#sweeperEnded;
  }
}

/**
 * When the process ends without a goodbye, as by a second Ctrl-C. The sweeper is for an end that
 * nothing here sees.
 */
function removeAll(): void {
  for (const directory of all) void directory.remove();
}

/** In a process group of its own, which no Ctrl-C reaches, and no reason for this one to stay. */
function startSweeper(path: string): ChildProcess {
  const child = spawn("/bin/sh", ["-c", SWEEPER, path], {
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  child.unref();
  const leash = child.stdio[3] as Socket;
  leash.on("error", () => {});
  leash.unref();
  return child;
}

function told<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    const why = (error as Error).message;
    throw new LabError(`no file can be written under ${tmpdir()} (TMPDIR names another): ${why}`);
  }
}
