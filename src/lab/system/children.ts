/**
 * The child processes of a lab: how they are started, heard and ended.
 *
 * Every child holds one end of an IPC channel whose other end only the lab holds, and ends when the
 * channel closes (`../programs/leash.ts`): so none outlives the lab, even one that was killed with
 * SIGKILL. Each leads a process group of its own, so that Ctrl-C in a terminal reaches the lab
 * alone, which then ends them in order.
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../base/index.ts";
import { LabError } from "../error.ts";
import type { ChildMessage, OrderMessage } from "../messages.ts";
import { programUrl } from "../places.ts";
import { onJsonLine, spawnLeashed } from "./foreign.ts";

/** From here to SIGKILL when a child does not end by itself: a pod finishes its calls. */
const END_GRACE_MS = 2000;
/** The same when all end, and nothing is worth waiting for: the lab is gone within 2 s. */
const CLOSE_GRACE_MS = 500;
/** Many small processes: a young generation of 1 MB keeps each of them small. */
const NODE_FLAGS = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=1"];
const STDERR_CHARS_MAX = 4000;
const REASON_CHARS_MAX = 200;

/** Has grpc-js ask the DNS server that a target names, rather than the system's resolver. */
const GRPC_JS_ENV = { GRPC_NODE_USE_ALTERNATIVE_RESOLVER: "true" };

/** What a child process is to the lab. */
export class Child {
  /** What it is, for messages: "echo-3". */
  readonly label: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  /** It talks in lines of JSON on stdin and stdout; else over Node's IPC channel. */
  readonly #hasLines: boolean;
  #stderr = "";
  #startError = "";
  #isEnded = false;

  constructor(label: string, process: ChildProcess, hasLines = false) {
    this.label = label;
    this.#process = process;
    this.#hasLines = hasLines;
    // It may be gone before it has read what it is told.
    process.stdin?.on("error", () => {});
    process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS_MAX);
    });
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        this.#isEnded = true;
        resolve();
      };
      process.once("exit", end);
      process.once("error", (error) => {
        this.#startError = error.message;
        end();
      });
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Everything it has said on stderr lately (the last 4,000 characters). */
  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves once the process is gone, or never came to be. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Why it ended, in a few words, for a sentence that begins with its label. */
  get endReason(): string {
    const { exitCode, signalCode } = this.#process;
    if (this.#startError !== "") return `could not be started: ${this.#startError}`;
    const how = signalCode ? `ended by ${signalCode}` : `ended with exit code ${exitCode ?? "?"}`;
    const last = lastWords(this.#stderr);
    return last === "" ? how : `${how}: ${last}`;
  }

  /** True once it has ended with exit code 0. */
  get hasSucceeded(): boolean {
    return this.#process.exitCode === 0;
  }

  /** Calls `listener` for every message. Messages that came before are not lost. */
  onMessage(listener: (message: ChildMessage) => void): void {
    if (this.#hasLines) onJsonLine(this.#process.stdout!, listener);
    else this.#process.on("message", (message) => listener(message as ChildMessage));
  }

  /** Calls `listener` for each piece of stderr as it comes. */
  onStderr(listener: () => void): void {
    this.#process.stderr?.on("data", listener);
  }

  /** Sends a message; no-op when the child is gone. */
  send(message: OrderMessage): void {
    if (this.#hasLines) this.#process.stdin!.write(`${JSON.stringify(message)}\n`);
    else if (this.#process.connected) this.#process.send(message, () => {});
  }

  /** Ends it at once, by SIGKILL, and what it has started: workers that were stopped, too. */
  kill(): void {
    const { pid } = this.#process;
    if (this.#isEnded || pid === undefined) return;
    // It leads a group, and until it is gone nobody else has its number.
    process.kill(-pid, "SIGKILL");
  }

  /** Lets go of it: SIGTERM, then SIGKILL after `graceMs`. Resolves once it is gone. */
  async end(clock: Clock, graceMs = END_GRACE_MS): Promise<void> {
    if (this.#isEnded) return;
    this.#process.kill("SIGTERM");
    const timer = clock.setTimer(graceMs, () => this.kill());
    await this.#ended;
    timer.cancel();
  }
}

/** All children of one lab, or of a part of it. */
export class Children {
  readonly #clock: Clock;
  /** Whose part these are; null: they are all. */
  readonly #whole: Children | null;
  /** Beside our own environment, for the lab's programs. */
  readonly #env: NodeJS.ProcessEnv;
  readonly #all = new Set<Child>();
  #isClosed = false;

  constructor(clock: Clock, whole: Children | null = null, env: NodeJS.ProcessEnv = {}) {
    this.#clock = clock;
    this.#whole = whole;
    this.#env = env;
  }

  /** Of those that run. */
  get pids(): readonly number[] {
    return [...this.#all].flatMap(({ pid }) => pid ?? []);
  }

  /**
   * A part of them: what is started through it ends with its `close`, and with ours. Ours stays
   * open when it closes.
   *
   * @param env beside our own environment, for those of the lab's programs.
   */
  scope(env: NodeJS.ProcessEnv = {}): Children {
    return new Children(this.#clock, this, env);
  }

  /** True once `close` was called: what ends now was told to. */
  get isClosed(): boolean {
    return this.#isClosed || this.#whole?.isClosed === true;
  }

  /**
   * Starts one of the lab's own programs, with `hasOwnNetns` in a new network namespace (Linux,
   * root), where it has nothing but a loopback interface that is down. Throws `LabError` after
   * `close`.
   */
  program(label: string, name: string, args: readonly string[], hasOwnNetns = false): Child {
    this.#refuseWhenClosed();
    // unshare(1) becomes the program: it has the process id, and the IPC channel.
    const unshare = { execPath: "unshare", execArgv: ["--net", "--", process.execPath] };
    const plain = { execPath: process.execPath, execArgv: [] };
    const { execPath, execArgv } = hasOwnNetns ? unshare : plain;
    return this.#keep(
      label,
      fork(fileURLToPath(programUrl(name)), args, {
        execPath,
        execArgv: [...execArgv, ...NODE_FLAGS],
        env: { ...childEnv(), ...GRPC_JS_ENV, ...this.#env },
        stdio: ["ignore", "ignore", "pipe", "ipc"],
        detached: true,
      }),
    );
  }

  /**
   * Starts any Node command (its first element is the file) with the leash loaded into it, and as
   * the group `gid` if that is given. Throws `LabError` after `close`.
   */
  command(label: string, command: readonly string[], group: { gid?: number } = {}): Child {
    this.#refuseWhenClosed();
    const [file, ...args] = command as [string, ...string[]];
    const env = childEnv();
    env.NODE_OPTIONS = `${env.NODE_OPTIONS ?? ""} --import=${programUrl("leash").href}`.trim();
    return this.#keep(
      label,
      spawn(file, args, {
        ...{ ...group, env, detached: true },
        stdio: ["ignore", "ignore", "pipe", "ipc"],
      }),
    );
  }

  /**
   * Starts any program that is none of Node's, such as nginx, found on the PATH unless it is a
   * path. It ends with the lab in all cases, and all processes of its group with it. `env` is added
   * to ours. One that cannot be started ends with exit code 126 or 127 and says why on stderr.
   * Throws `LabError` after `close`.
   */
  foreign(label: string, argv: readonly [string, ...string[]], env: NodeJS.ProcessEnv = {}): Child {
    this.#refuseWhenClosed();
    return this.#keep(label, spawnLeashed(argv, { ...childEnv(), ...env }, false));
  }

  /**
   * Starts a program that is none of Node's and does the work of one of the lab's own: it is told
   * what that is told, and says what that says, as lines of JSON on stdin and stdout. Otherwise as
   * `foreign`.
   */
  talker(label: string, argv: readonly [string, ...string[]]): Child {
    this.#refuseWhenClosed();
    return this.#keep(label, spawnLeashed(argv, { ...childEnv(), ...this.#env }, true), true);
  }

  /** Ends one child. Resolves once it is gone. */
  async end(child: Child): Promise<void> {
    await child.end(this.#clock);
  }

  /** Waits for what a child was told; calls `giveUp` when that takes longer than an end may. */
  async within(told: Promise<void>, giveUp: () => void): Promise<void> {
    const timer = this.#clock.setTimer(END_GRACE_MS, giveUp);
    await told;
    timer.cancel();
  }

  /** Ends all children; none can be started any more. Resolves once all are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#all].map((child) => child.end(this.#clock, CLOSE_GRACE_MS)));
  }

  #refuseWhenClosed(): void {
    if (this.isClosed) throw new LabError("the lab is ending");
  }

  #keep(label: string, process: ChildProcess, hasLines = false): Child {
    const child = new Child(label, process, hasLines);
    for (let kept: Children | null = this; kept !== null; kept = kept.#whole) {
      const all = kept.#all;
      all.add(child);
      child.ended.then(() => all.delete(child));
    }
    return child;
  }
}

/** Our environment without the proxy variables, which stock grpc-js would obey for loopback too. */
function childEnv(): NodeJS.ProcessEnv {
  const { grpc_proxy: _a, http_proxy: _b, https_proxy: _c, ...env } = process.env;
  return env;
}

/** The line of stderr that says why: the last error of a crash, or else the last complaint. */
function lastWords(stderr: string): string {
  const lines = stderr
    .split("\n")
    .map(complaintOf)
    .filter((line) => line !== "");
  const line = lines.findLast((text) => /^\w*Error\b/.test(text)) ?? lines.at(-1) ?? "";
  return line.slice(0, REASON_CHARS_MAX);
}

/** The line itself; of a JSON log line its message, or "" if it is no warning or error. */
function complaintOf(line: string): string {
  if (!line.startsWith("{")) return line.trim();
  try {
    const { level, msg } = JSON.parse(line) as { level?: unknown; msg?: unknown };
    return /^(warn|error|fatal)$/.test(String(level)) ? String(msg) : "";
  } catch {
    return line.trim();
  }
}
