/**
 * One place among the workers: the process in it, and its successor when it crashes.
 *
 * Restarts wait longer each time (a worker that cannot live must not eat the machine), and at once
 * short again after one that lived long.
 */
import type { Clock, Logger, Rng, Timer } from "../../base/index.ts";
import type { ShedOrder } from "../nesting/index.ts";
import { Asking } from "./asking.ts";
import type { FromWorker, Line, Question, ToWorker } from "./messages.ts";

/** The wait before the first restart; it doubles each time. */
export const RESTART_MIN_MS = 100;
/** The longest wait before a restart. */
export const RESTART_MAX_MS = 10_000;
/** A worker that lived this long is no sign of a crash loop. */
export const RESTART_RESET_MS = 60_000;
/** From "exit" to SIGKILL. */
export const EXIT_GRACE_MS = 1000;

/** A worker process as the primary holds it. */
export interface WorkerProcess extends Line<FromWorker, ToWorker> {
  readonly pid: number;
  /** Called once when the process is gone; `how` is "code 1" or "signal SIGKILL". */
  onExit(fn: (how: string) => void): void;
  /** Ends it at once. */
  kill(): void;
}

/** What a worker says of its own accord. */
export type WorkerNews = Extract<FromWorker, { type: "resolveNow" | "resolve" | "bound" }>;

/** What a slot needs and tells. */
export interface SlotDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  fork(): WorkerProcess;
  /** The process listens to messages: whatever it has to know can be sent now. */
  onOnline(slot: Slot): void;
  /** It serves, or it failed to: then `reason` says why, and it was ended. */
  onListening(slot: Slot, addresses: readonly string[]): void;
  onFailed(slot: Slot, reason: string): void;
  /** It asks for endpoints, or says where it listens. */
  onNews(slot: Slot, message: WorkerNews): void;
  /** The process is gone, whatever the reason. */
  onEnded(slot: Slot): void;
  /** It crashed and another one will take its place. */
  onRestart(): void;
}

/** See the head of this file. */
export class Slot {
  /** From 1. */
  readonly number: number;
  readonly #deps: SlotDeps;
  readonly #asking: Asking;
  #process: WorkerProcess | null = null;
  #isListening = false;
  #isEnding = false;
  #drainBy = "";
  #startedAtMs = 0;
  #crashes = 0;
  #timer: Timer | null = null;
  #onDrained: (() => void) | null = null;
  #onGone: (() => void) | null = null;

  constructor(number: number, deps: SlotDeps) {
    this.number = number;
    this.#deps = deps;
    this.#asking = new Asking(deps.clock);
  }

  /** Whether a worker serves here. */
  get isListening(): boolean {
    return this.#isListening;
  }

  /** Starts a process here. */
  start(): void {
    const process = this.#deps.fork();
    this.#process = process;
    this.#startedAtMs = this.#deps.clock.nowMs();
    process.onMessage((message) => this.#recv(message));
    process.onExit((how) => this.#onExit(how));
    this.#deps.log.info("worker started", { worker: this.number, workerPid: process.pid });
  }

  /** Sends to the process, if there is one. */
  send(message: ToWorker): void {
    this.#process?.send(message);
  }

  /** What the worker says, or undefined when it does not say it in time. */
  ask(question: Question): Promise<unknown> {
    if (!this.#isListening) return Promise.resolve(undefined);
    return this.#asking.ask((id) => this.send({ type: "ask", id, question }));
  }

  /** Has connections closed; how many were, or undefined when it does not say so in time. */
  shed(order: ShedOrder): Promise<unknown> {
    if (!this.#isListening) return Promise.resolve(0);
    return this.#asking.ask((id) => this.send({ type: "shed", id, order }));
  }

  /** Drains; no restart afterwards. Resolves when the worker says so or is gone. */
  drain(by: string): Promise<void> {
    this.#drainBy = by;
    this.#end();
    if (this.#process === null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onDrained = resolve;
      this.send({ type: "drain", by });
    });
  }

  /** Ends the process; resolves when it is gone. */
  close(): Promise<void> {
    this.#end();
    const process = this.#process;
    if (process === null) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#deps.clock.setTimer(EXIT_GRACE_MS, () => process.kill());
      this.#onGone = () => {
        timer.cancel();
        resolve();
      };
      process.send({ type: "exit" });
    });
  }

  #end(): void {
    this.#isEnding = true;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #recv(message: FromWorker): void {
    switch (message.type) {
      case "online":
        this.#deps.onOnline(this);
        break;
      case "listening":
        this.#isListening = true;
        this.#deps.onListening(this, message.addresses);
        // It began to listen too late.
        if (this.#isEnding) this.send({ type: "drain", by: this.#drainBy });
        break;
      case "failed":
        this.#deps.onFailed(this, message.reason);
        this.send({ type: "exit" });
        break;
      case "answer":
        this.#asking.answer(message.id, message.value);
        break;
      case "resolveNow":
      case "resolve":
      case "bound":
        this.#deps.onNews(this, message);
        break;
      case "drained":
        this.#onDrained?.();
        break;
    }
  }

  #onExit(how: string): void {
    const wasListening = this.#isListening;
    this.#process = null;
    this.#isListening = false;
    this.#asking.close();
    this.#deps.onEnded(this);
    this.#onDrained?.();
    this.#onGone?.();
    if (this.#isEnding) return;
    if (!wasListening) this.#deps.onFailed(this, `worker ${this.number} exited with ${how}`);
    if (this.#isEnding) return; // onFailed may have ended us
    this.#restart(how);
  }

  #restart(how: string): void {
    const { clock, rng, log } = this.#deps;
    const livedMs = clock.nowMs() - this.#startedAtMs;
    this.#crashes = livedMs >= RESTART_RESET_MS ? 1 : this.#crashes + 1;
    const backoffMs = Math.min(RESTART_MAX_MS, RESTART_MIN_MS * 2 ** (this.#crashes - 1));
    const delayMs = Math.round(backoffMs * (0.8 + 0.4 * rng.next()));
    log.error("worker exited; another one takes its place", {
      worker: this.number,
      how,
      livedMs: Math.round(livedMs),
      restartInMs: delayMs,
    });
    this.#deps.onRestart();
    this.#timer = clock.setTimer(delayMs, () => this.start());
  }
}
