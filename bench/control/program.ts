/** A process of this benchmark: lines of JSON come from it, words go to it. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { rootDir } from "../../test/peers/paths.ts";

const NODE = join(rootDir, "node_modules", ".bin", "node");

/** The flags with which `bin/fairlead control` starts Node. */
export function controlFlags(): readonly string[] {
  const text = readFileSync(join(rootDir, "bin", "fairlead"), "utf8");
  const found = /^ {2}control\) heap="([^"]+)"/m.exec(text);
  if (found === null) throw new Error("bin/fairlead: no flags of control");
  return found[1]!.split(" ");
}

/** One line of it. */
export type Line = Readonly<Record<string, unknown>>;

/** See the head of this file. */
export class Program {
  readonly #child: ChildProcess;
  readonly #lines: Line[] = [];
  #onLine: () => void = () => {};
  #isOver = false;

  /** @param flags of Node. */
  constructor(file: string, args: readonly (string | number)[], flags: readonly string[] = []) {
    const stdio = ["pipe", "pipe", "inherit"] as const;
    const all = [...flags, file, ...args.map(String)];
    this.#child = spawn(NODE, all, { stdio: [...stdio] });
    createInterface({ input: this.#child.stdout! }).on("line", (text) => {
      this.#lines.push(JSON.parse(text) as Line);
      this.#onLine();
    });
    this.#child.once("exit", () => {
      this.#isOver = true;
      this.#onLine();
    });
  }

  /** What it said since this was asked last. */
  take(): Line[] {
    return this.#lines.splice(0);
  }

  /** Waits for a line with that key; those before it are dropped. */
  async waitFor(key: string): Promise<Line> {
    for (;;) {
      for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
        if (Object.hasOwn(line, key)) return line;
      }
      if (this.#isOver) throw new Error(`a program ended before it said ${key}`);
      await new Promise<void>((resolve) => {
        this.#onLine = resolve;
      });
    }
  }

  say(words: string): void {
    this.#child.stdin!.write(`${words}\n`);
  }

  async end(): Promise<void> {
    if (this.#isOver) return;
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill();
    await exited;
  }
}
