/**
 * Where the lines of the log go: a file descriptor, written asynchronously, so that a slow reader
 * does not slow the relay; what it does not take within bounds is dropped, and at exit it gets a
 * moment for the rest.
 *
 * Ours and not pino's own destination, which at exit tries for ever to write to a reader that is
 * gone: a process whose supervisor died would never end.
 */
import { write, writeSync } from "node:fs";
import type { Clock } from "../base/index.ts";

/** How long a full pipe is left alone before the next try. */
const RETRY_MS = 20;
/** Tries at exit: a reader that takes nothing for so long is not waited for. */
const LAST_TRIES_MAX = 10;

/** See the head of this file. */
export class LogStream {
  readonly #fd: number;
  readonly #clock: Clock;
  readonly #bytesMax: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  /** And is not waiting for the next try: a thread of the system has the bytes. */
  #isInFlight = false;
  /** Nobody reads any more. */
  #isGone = false;

  /** @param bytesMax bytes that may wait; lines beyond are dropped. */
  constructor(fd: number, bytesMax: number, clock: Clock) {
    this.#fd = fd;
    this.#bytesMax = bytesMax;
    this.#clock = clock;
  }

  /** Takes whole lines. Never throws. */
  write(text: string): void {
    const bytes = Buffer.from(text);
    if (this.#isGone || this.#waitingBytes + bytes.length > this.#bytesMax) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (!this.#isWriting) this.#writeOn();
  }

  /**
   * Writes what waits, for the exit of the process. What is being written is the system's by then,
   * whose thread may not have begun: without a moment for it, later lines could come before it.
   */
  flushSync(): void {
    if (this.#isInFlight) pauseSync();
    let bytes = this.#takeAll();
    for (let tries = 0; bytes.length > 0 && !this.#isGone && tries < LAST_TRIES_MAX; ) {
      try {
        bytes = bytes.subarray(writeSync(this.#fd, bytes));
      } catch (error) {
        if (!isBusy(error)) this.#isGone = true;
        tries += 1;
        pauseSync();
      }
    }
  }

  #takeAll(): Buffer {
    const bytes = this.#waiting.length === 1 ? this.#waiting[0]! : Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    return bytes;
  }

  #writeOn(): void {
    const bytes = this.#takeAll();
    this.#isWriting = true;
    this.#isInFlight = true;
    write(this.#fd, bytes, (error, count) => this.#onWritten(bytes, error, count));
  }

  #onWritten(bytes: Buffer, error: Error | null, count: number): void {
    this.#isWriting = false;
    this.#isInFlight = false;
    if (error !== null && !isBusy(error)) {
      this.#isGone = true;
      this.#takeAll();
      return;
    }
    const rest = bytes.subarray(error === null ? count : 0);
    if (rest.length > 0) {
      this.#waiting.unshift(rest);
      this.#waitingBytes += rest.length;
    }
    if (this.#waiting.length === 0) return;
    if (error === null) {
      this.#writeOn();
      return;
    }
    this.#isWriting = true;
    this.#clock.setTimer(RETRY_MS, () => this.#writeOn()).unref();
  }
}

/** For `RETRY_MS`: at exit there are no timers any more. */
function pauseSync(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
}

/** The pipe is full: its reader is slow, not gone. */
function isBusy(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EAGAIN" || code === "EBUSY";
}
