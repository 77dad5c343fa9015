/**
 * A directory for files that the lab hands to programs: a kubeconfig, the configuration of a proxy.
 * Under the system's temporary one, and gone with its owner. It keeps no secret.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LabError } from "../error.ts";

/** One of its owner's own. */
export class TemporaryDirectory {
  readonly path: string;
  readonly #onExit = (): void => this.remove();

  /** Throws `LabError` when there is no place for it. */
  constructor() {
    this.path = told(() => mkdtempSync(join(tmpdir(), "fairlead-lab-")));
    // Also when the process ends without a goodbye, as by a second Ctrl-C.
    process.once("exit", this.#onExit);
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

  /** Removes it and all that is in it. */
  remove(): void {
    process.off("exit", this.#onExit);
    rmSync(this.path, { recursive: true, force: true });
  }
}

function told<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    const why = (error as Error).message;
    throw new LabError(`no file can be written under ${tmpdir()} (TMPDIR names another): ${why}`);
  }
}
