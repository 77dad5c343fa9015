/**
 * One call as a simulated pod serves it: it waits for a worker, is worked on, and is answered.
 *
 * The stream is a real one of the engine; only the work is simulated.
 */
import { Status, trailersOnly } from "../../../src/grpc/index.ts";
import {
  constantList,
  type HeaderList,
  headerList,
  type Stream,
  type StreamEvents,
} from "../../../src/http2/index.ts";

/** The path of calls that are answered by several messages, one after the other. */
export const STREAM_PATH = "/simulation.Work/Watch";
/** The path of calls with one answer. */
export const UNARY_PATH = "/simulation.Work/Do";

const RESPONSE = constantList([
  [":status", "200"],
  ["content-type", "application/grpc"],
]);
const OK = constantList([["grpc-status", "0"]]);
/** One empty message of gRPC. */
const MESSAGE = new Uint8Array(5);
/** Messages of an answer that is a stream, evenly over the time that the call takes. */
const MESSAGES = 4;

/** What a served call needs of its pod. */
export interface ServedCallOwner {
  /** Its request is complete: it may be worked on. */
  onComplete(call: ServedCall): void;
  /** What ends an answer that is OK; null for the status alone. */
  readonly okTrailers?: HeaderList | null;
  /** Calls `fn` in `ms`, unless the pod's process is gone by then. */
  after(ms: number, fn: () => void): void;
}

/** See the head of this file. */
export class ServedCall implements StreamEvents {
  readonly stream: Stream;
  readonly request: HeaderList;
  readonly #owner: ServedCallOwner;
  /** Its client has reset it, or the connection is gone. */
  isAbandoned = false;

  constructor(stream: Stream, request: HeaderList, owner: ServedCallOwner) {
    this.stream = stream;
    this.request = request;
    this.#owner = owner;
  }

  /** Whether it is answered by several messages. */
  get isStreaming(): boolean {
    return this.request.path!.value === STREAM_PATH;
  }

  /** Does the work, and calls `done` when the worker is free again. */
  work(ms: number, status: Status, done: () => void): void {
    if (status !== Status.OK) {
      this.#owner.after(ms, () => {
        this.refuse(status, "the pod failed");
        done();
      });
    } else if (this.isStreaming) this.#message(ms / MESSAGES, 1, done);
    else {
      this.#owner.after(ms, () => {
        this.#answer();
        done();
      });
    }
  }

  #answer(): void {
    if (this.isAbandoned) return;
    this.stream.sendHeaders(RESPONSE, false);
    this.stream.sendData(MESSAGE, 0, MESSAGE.length, false);
    this.stream.sendTrailers(this.#owner.okTrailers ?? OK);
  }

  #message(gapMs: number, number: number, done: () => void): void {
    this.#owner.after(gapMs, () => {
      if (this.isAbandoned) {
        done();
        return;
      }
      if (number === 1) this.stream.sendHeaders(RESPONSE, false);
      this.stream.sendData(MESSAGE, 0, MESSAGE.length, false);
      if (number < MESSAGES) {
        this.#message(gapMs, number + 1, done);
        return;
      }
      this.stream.sendTrailers(this.#owner.okTrailers ?? OK);
      done();
    });
  }

  /** Answers with a failure. */
  refuse(status: Status, reason: string): void {
    if (!this.isAbandoned) this.stream.sendHeaders(headerList(trailersOnly(status, reason)), true);
  }

  // StreamEvents

  onData(_bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    if (isEnd) this.#owner.onComplete(this);
    return end - start;
  }

  onTrailers(): void {
    this.#owner.onComplete(this);
  }

  onReset(): void {
    this.isAbandoned = true;
  }

  onHeaders(): void {}
  onInformational(): void {}
  onWritable(): void {}
}
