/**
 * One stream: a small plain object of fixed shape, and the verbs of its user. RFC 9113 §5.
 *
 * It keeps the stream's windows and state. What needs the connection (its window, the output, the
 * encoder) is done by the connection's `Sender`; what comes in is dispatched by its `Receiver`.
 */

import { assert } from "../../base/index.ts";
import type { Sender } from "../connection/sender.ts";
import type { ErrorCode } from "../error-code.ts";
import type { StreamEvents } from "../events.ts";
import { announcedLength } from "../headers/validate.ts";
import type { HeaderList } from "../hpack/header-list.ts";
import type { SendQueue } from "./send-queue.ts";
import { ILLEGAL, nextState, State } from "./state.ts";

/** One request and its response on one connection. */
export class Stream {
  readonly id: number;
  /** The user; set before anything is reported. */
  events: StreamEvents;
  /** One of `State`. */
  state: number = State.OPEN;
  /** What we may still send. May be negative after a SETTINGS. RFC 9113 §6.9.2. */
  sendWindow: number;
  /** What the peer may still send. */
  recvWindow: number;
  /** The size of `recvWindow` when nothing is outstanding; grows once (see `Sender.grant`). */
  windowBytes: number;
  /** Bytes to be granted back with the next WINDOW_UPDATE. */
  uncredited = 0;
  /** Bytes that the user has not done with yet. */
  heldBytes = 0;
  /** DATA that waits for a window or the socket. */
  queue: SendQueue | null = null;
  /** What follows the queue: trailers, END_STREAM, a reset; null/false/-1 for none. */
  queuedTrailers: HeaderList | null = null;
  isEndQueued = false;
  queuedReset = -1;
  /** Response headers came or were sent. */
  isAnswered = false;
  /** Body bytes that `content-length` still announces, or -1. */
  bodyLeft = -1;
  informationalCount = 0;
  /** The request's method is HEAD: no body comes, whatever the response announces. */
  isHead = false;
  readonly openedMs: number;
  /**
   * When its queue began to wait or was last seen to have moved by STALL_PROGRESS_BYTES (0 while
   * nothing waits), and the bytes that left since.
   */
  stalledSinceMs = 0;
  stalledBytes = 0;
  readonly #sender: Sender;

  constructor(id: number, events: StreamEvents, sender: Sender, recvWindow: number, nowMs: number) {
    this.id = id;
    this.events = events;
    this.#sender = sender;
    this.sendWindow = sender.remote.initialWindowBytes;
    this.recvWindow = recvWindow;
    this.windowBytes = recvWindow;
    this.openedMs = nowMs;
  }

  /** Whether both sides have ended, or it was reset. */
  get isClosed(): boolean {
    return this.state === State.CLOSED;
  }

  /** Whether the peer has sent its END_STREAM (or the stream is gone). */
  get isRemoteEnded(): boolean {
    return this.state === State.HALF_CLOSED_REMOTE || this.state === State.CLOSED;
  }

  /** Whether our END_STREAM is sent (or the stream is gone). */
  get isLocalEnded(): boolean {
    return this.state === State.HALF_CLOSED_LOCAL || this.state === State.CLOSED;
  }

  /** Bytes that wait for a window or for the socket. */
  get queuedBytes(): number {
    return this.queue === null ? 0 : this.queue.length;
  }

  /** Moves the state; an illegal move is our bug. */
  move(event: number): void {
    const next = nextState(this.state, event);
    assert(next !== ILLEGAL, "the stream's state allows what was done");
    this.state = next;
  }

  /** Notes the announced body, to be held against what comes. RFC 9113 §8.1.1. */
  expectBody(list: HeaderList): void {
    this.bodyLeft = announcedLength(list);
  }

  /** Whether everything that will be sent was handed over, though some of it may still wait. */
  get isLocalEndGiven(): boolean {
    return this.isLocalEnded || this.isEndQueued || this.queuedTrailers !== null;
  }

  /** Sends response headers (server role), before any data. */
  sendHeaders(list: HeaderList, isEnd: boolean): void {
    if (this.isLocalEndGiven) return;
    this.isAnswered = true;
    this.#sender.sendHeaders(this, list, isEnd);
  }

  /** Sends a 1xx response (server role). */
  sendInformational(list: HeaderList): void {
    if (!this.isLocalEndGiven) this.#sender.sendHeaders(this, list, false);
  }

  /**
   * Sends bytes[start, end), or copies what the windows and the socket do not take. Returns the
   * bytes that left; `onWritable` reports the others as they leave.
   */
  sendData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    if (this.isLocalEnded) return end - start;
    return this.#sender.sendData(this, bytes, start, end, isEnd);
  }

  /** Sends trailers, behind everything that waits. */
  sendTrailers(list: HeaderList): void {
    if (!this.isLocalEndGiven) this.#sender.sendTrailers(this, list);
  }

  /** Grants `bytes` back to the peer: they were passed on. */
  credit(bytes: number): void {
    this.#sender.credit(this, bytes);
  }

  /** Ends the stream at once; what waits is dropped. The user hears nothing more. */
  reset(code: ErrorCode): void {
    if (this.state !== State.CLOSED) this.#sender.reset(this, code);
  }

  /** As `reset`, but a response whose end is already queued still leaves first. RFC 9113 §8.1. */
  resetAfterQueue(code: ErrorCode): void {
    if (this.queuedBytes > 0 && (this.isEndQueued || this.queuedTrailers !== null)) {
      this.queuedReset = code;
    } else this.reset(code);
  }
}
