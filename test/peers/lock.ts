/**
 * One installation at a time in a directory: a lock file that holds the owner's process id.
 * The lock of a process that is gone is taken over.
 */
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Waits for the lock; the result releases it. `onWait` is told once who holds it. */
export async function takeLock(path: string, onWait: (pid: number) => void): Promise<() => void> {
  for (let hasTold = false; ; await sleep(500)) {
    const draft = `${path}.${process.pid}`;
    try {
      // A link appears at once with its content, so that nobody reads a lock half written.
      writeFileSync(draft, String(process.pid));
      linkSync(draft, path);
      const release = () => rmSync(path, { force: true });
      process.once("exit", release);
      return release;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      rmSync(draft, { force: true });
    }
    const owner = Number(readOwner(path));
    if (!isAlive(owner)) rmSync(path, { force: true });
    else if (!hasTold) {
      onWait(owner);
      hasTold = true;
    }
  }
}

function readOwner(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // It was released meanwhile.
  }
}

function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
