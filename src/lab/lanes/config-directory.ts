/**
 * A directory for the configuration of a program, gone when the lane is closed.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One of a lane's own, under the system's temporary one. Throws the system's error. */
export class ConfigDirectory {
  readonly path: string;
  readonly #onExit = (): void => this.remove();

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), "fairlead-lab-"));
    // Also when the process ends without a goodbye, as by a second Ctrl-C.
    process.once("exit", this.#onExit);
  }

  /** Writes a file at once, so that nobody reads half of it. Answers its path. */
  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
    return path;
  }

  /** Removes it and all that is in it. */
  remove(): void {
    process.off("exit", this.#onExit);
    rmSync(this.path, { recursive: true, force: true });
  }
}
