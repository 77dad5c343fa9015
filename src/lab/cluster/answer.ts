/**
 * The way of an answer's bytes to the client, with the faults that change it: hold (hang), dribble
 * (slow), and the order of a watch's events (reorder).
 *
 * Everything that the server writes goes through here; without faults it is written at once.
 */
import type http from "node:http";
import type { Clock, Timer } from "../../base/index.ts";
import type { Faults, Subject } from "./faults.ts";

/** How long an event waits for another object's to come before it. */
const REORDER_WAIT_MS = 50;
const SLOW_BYTES = 16;
const SLOW_INTERVAL_MS = 100;

/** What an answer needs. */
export interface AnswerDeps {
  readonly clock: Clock;
  readonly faults: Faults;
}

/** One answer. */
export class Answer {
  readonly #response: http.ServerResponse;
  readonly #clock: Clock;
  readonly #faults: Faults;
  readonly #subject: Subject;
  readonly #stopFaults: () => void;
  /** What a fault keeps back, in order. */
  #held = "";
  #isEnding = false;
  #timer: Timer | null = null;
  /** An event that waits for one of another object. */
  #waiting: { readonly line: string; readonly name: string } | null = null;
  #waitTimer: Timer | null = null;

  constructor(response: http.ServerResponse, subject: Subject, { clock, faults }: AnswerDeps) {
    this.#response = response;
    this.#clock = clock;
    this.#faults = faults;
    this.#subject = subject;
    this.#stopFaults = faults.onChange(() => this.#flush());
    response.once("close", () => this.#forget());
  }

  /** Resolves when the answer may begin: at once, or when a hang has been cleared. */
  async ready(): Promise<void> {
    while (this.#isHanging()) {
      await new Promise<void>((resolve) => {
        const stop = this.#faults.onChange(() => {
          stop();
          resolve();
        });
        this.#response.once("close", () => {
          stop();
          resolve();
        });
      });
      if (this.#response.destroyed) return;
    }
  }

  /** A whole answer. */
  send(code: number, text: string, headers: Readonly<Record<string, string>> = {}): void {
    this.begin(code, headers);
    this.write(text);
    this.end();
  }

  /** Status line and headers. */
  begin(code: number, headers: Readonly<Record<string, string>> = {}): void {
    this.#response.writeHead(code, {
      "cache-control": "no-cache, private",
      "content-type": "application/json",
      ...headers,
    });
    this.#response.flushHeaders();
  }

  /** Bytes of the body. */
  write(text: string): void {
    if (text === "") return;
    if (this.#held === "" && !this.#isHanging() && !this.#isSlow()) {
      this.#response.write(text);
      return;
    }
    this.#held += text;
    this.#flush();
  }

  /** One event of a watch; `name` is its object's, or "". */
  event(line: string, name: string): void {
    if (!this.#faults.find("reorder", this.#subject) || name === "") {
      this.#release();
      this.write(line);
      return;
    }
    const waiting = this.#waiting;
    if (waiting === null) {
      this.#waiting = { line, name };
      this.#waitTimer = this.#clock.setTimer(REORDER_WAIT_MS, () => this.#release());
    } else if (waiting.name === name) {
      // Events of one object keep their order, always.
      this.#release();
      this.event(line, name);
    } else {
      this.write(line);
      this.#release();
    }
  }

  /** The end of the answer, once everything before it has left. */
  end(): void {
    this.#release();
    this.#isEnding = true;
    this.#flush();
  }

  #release(): void {
    this.#waitTimer?.cancel();
    this.#waitTimer = null;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting) this.write(waiting.line);
  }

  #isHanging(): boolean {
    return this.#faults.find("hang", this.#subject) !== null;
  }

  #isSlow(): boolean {
    return this.#faults.find("slow", this.#subject) !== null;
  }

  #flush(): void {
    if (this.#timer !== null || this.#isHanging()) return;
    const slow = this.#faults.find("slow", this.#subject);
    if (slow === null) {
      if (this.#held !== "") this.#response.write(this.#held);
      this.#held = "";
    } else if (this.#held !== "") {
      const bytes = slow.bytes ?? SLOW_BYTES;
      this.#response.write(this.#held.slice(0, bytes));
      this.#held = this.#held.slice(bytes);
      this.#timer = this.#clock.setTimer(slow.intervalMs ?? SLOW_INTERVAL_MS, () => {
        this.#timer = null;
        this.#flush();
      });
      return;
    }
    if (this.#isEnding) this.#response.end();
  }

  #forget(): void {
    this.#stopFaults();
    this.#timer?.cancel();
    this.#waitTimer?.cancel();
    this.#held = "";
  }
}
