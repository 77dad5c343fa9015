/**
 * Other programs as child processes of a test or a benchmark: start, wait for a line, stop.
 *
 * Each child leads a process group of its own, is stopped by its id (SIGTERM, then SIGKILL for its
 * whole group), and never outlives this process: an exit, a signal or a crash here ends it too.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";

export { freePort, freePorts, waitForPort } from "./ports.ts";
export { processTree, readUsage, type Usage } from "./usage.ts";

/** How a process is started. */
export interface StartOptions {
  /** For messages; the program's path unless given. */
  readonly name?: string;
  readonly cwd?: string;
  /** Added to (undefined: removed from) the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Given to its stdin, which then ends. */
  readonly input?: string;
  /** Its stdin stays open for as long as it runs. */
  readonly hasOpenStdin?: boolean;
}

/** How a process ended: an exit code, or the signal that ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Linux: setpriv(1) has the kernel end the child when this process dies, even by SIGKILL. */
const SETPRIV = "/usr/bin/setpriv";
const OUTPUT_CHARS_MAX = 4 * 1024 * 1024;
const running = new Set<RunningProcess>();
let isGuarding = false;

/**
 * Starts a program. A path that does not exist shows as a rejected `exited`.
 */
export function startProcess(
  path: string,
  args: readonly string[] = [],
  options: StartOptions = {},
): RunningProcess {
  guardExit();
  const env = { ...process.env, ...options.env };
  const hasLeash = existsSync(SETPRIV);
  const child = spawn(
    hasLeash ? SETPRIV : path,
    hasLeash ? ["--pdeathsig", "KILL", "--", path, ...args] : args,
    { env, detached: true, ...(options.cwd === undefined ? {} : { cwd: options.cwd }) },
  );
  child.stdin?.on("error", () => {}); // It may end without reading what it is given.
  if (!options.hasOpenStdin) child.stdin?.end(options.input ?? "");
  return new RunningProcess(child, options.name ?? path);
}

/** Runs a program to its end. Rejects after `timeoutMs` (it is then killed). */
export async function runProcess(
  path: string,
  args: readonly string[],
  options: StartOptions & { readonly timeoutMs?: number } = {},
): Promise<Exit & { readonly stdout: string; readonly stderr: string }> {
  const child = startProcess(path, args, options);
  const timeoutMs = options.timeoutMs ?? 120_000;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill();
  }, timeoutMs);
  const exit = await child.exited;
  clearTimeout(timer);
  if (isLate) throw new Error(`${child.name} did not end within ${timeoutMs} ms\n${child.output}`);
  return { ...exit, stdout: child.stdout, stderr: child.stderr };
}

/** A started process. */
export class RunningProcess {
  readonly name: string;
  /** Settles when it has ended and its output is complete; rejects if it could not be started. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #stdout = "";
  #stderr = "";
  #exit: Exit | null = null;
  readonly #watchers = new Set<() => void>();

  constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.name = name;
    running.add(this);
    const out = new StringDecoder("utf8");
    const err = new StringDecoder("utf8");
    child.stdout?.on("data", (bytes: Buffer) => {
      this.#stdout = (this.#stdout + out.write(bytes)).slice(-OUTPUT_CHARS_MAX);
      this.#wake();
    });
    child.stderr?.on("data", (bytes: Buffer) => {
      this.#stderr = (this.#stderr + err.write(bytes)).slice(-OUTPUT_CHARS_MAX);
      this.#wake();
    });
    this.exited = new Promise((done, failed) => {
      child.once("error", (cause) => {
        running.delete(this);
        failed(new Error(`${name} could not be started: ${cause.message}`));
      });
      child.once("exit", () => this.kill()); // What it leaves behind in its group.
      child.once("close", (code, signal) => {
        running.delete(this);
        this.#exit = { code, signal };
        this.#wake();
        done(this.#exit);
      });
    });
    this.exited.catch(() => {}); // Whoever waits for it sees it; nobody must.
  }

  /** Its process id, also that of its group. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** What it wrote so far, the last 4 Mi characters. */
  get stdout(): string {
    return this.#stdout;
  }

  /** What it wrote so far to stderr, the last 4 Mi characters. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Both, for error messages: the last 4,000 characters of each. */
  get output(): string {
    return `${this.#stdout.slice(-4000)}${this.#stderr.slice(-4000)}`;
  }

  /** How it ended, or null while it runs. */
  get exit(): Exit | null {
    return this.#exit;
  }

  /**
   * The first match of `pattern` in what it wrote to stdout or stderr since its start.
   * Rejects when it ends without, or after `timeoutMs`; the message holds its output.
   */
  waitFor(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpExecArray> {
    return new Promise((done, failed) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        settle();
      };
      const look = () => {
        const match = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr);
        if (match !== null) finish(() => done(match));
        else if (this.#exit !== null)
          finish(() => failed(this.#complain(pattern, "ended without")));
      };
      const timer = setTimeout(
        () => finish(() => failed(this.#complain(pattern, `within ${timeoutMs} ms did not write`))),
        timeoutMs,
      );
      this.exited.catch((cause) => finish(() => failed(cause)));
      this.#watchers.add(look);
      look();
    });
  }

  /** Writes to its stdin, which was kept open. */
  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Sends it a signal; it alone, not its group. */
  signal(signal: NodeJS.Signals): void {
    if (this.#exit === null) this.#child.kill(signal);
  }

  /** SIGTERM, and SIGKILL for its whole group when it has not ended `graceMs` later. */
  async stop(graceMs = 3_000): Promise<Exit> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.kill(), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  /** SIGKILL for it and everything in its group, now. */
  kill(): void {
    if (this.#child.pid === undefined || this.#exit !== null) return;
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // The group is empty.
    }
  }

  #complain(pattern: RegExp, what: string): Error {
    return new Error(`${this.name} ${what} ${pattern}\n${this.output}`);
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** Stops everything that was started here and still runs. */
export async function stopAll(graceMs = 3_000): Promise<void> {
  await Promise.allSettled([...running].map((each) => each.stop(graceMs)));
}

function guardExit(): void {
  if (isGuarding) return;
  isGuarding = true;
  process.on("exit", killAll);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      killAll();
      process.kill(process.pid, signal);
    });
  }
}

function killAll(): void {
  for (const each of running) each.kill();
}
