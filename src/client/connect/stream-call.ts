/**
 * A streaming call over a `ClientCall`: an iterable of requests out, an iterator of messages in.
 *
 * Back-pressure both ways: a request is taken when those before it have left, a message is asked of
 * the server when somebody waits for it.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { Status } from "../../grpc/index.ts";
import type { HeaderList } from "../../http2/index.ts";
import type { CallStatus, ClientCall, ClientCallEvents } from "../core/index.ts";
import { abortError, connectErrorOf } from "./abort.ts";
import { addAll, toHeaders } from "./headers.ts";
import { statusError } from "./status-error.ts";

/** Somebody who waits for a message. */
interface Reader<T> {
  resolve(result: IteratorResult<T>): void;
  reject(error: ConnectError): void;
}

const DONE: IteratorResult<never> = Object.freeze({ done: true, value: undefined });

/** See the head of this file. `T` is a message of the answer. */
export class StreamCall<T> implements ClientCallEvents {
  /** The headers of the answer, once they are there; rejects when the call ends before them. */
  readonly opened: Promise<Headers>;
  /** Filled before the end is told. */
  readonly trailer = new Headers();
  readonly #decode: (message: Buffer) => T;
  #resolveOpened!: (headers: Headers) => void;
  #rejectOpened!: (error: ConnectError) => void;
  #call: ClientCall | null = null;
  #signal: AbortSignal | null = null;
  #headers: HeaderList | null = null;
  readonly #readers: Reader<T>[] = [];
  /** What ended the call from here, in place of its status. */
  #failure: ConnectError | null = null;
  #isEnded = false;
  #onWritable: (() => void) | null = null;

  /** @param decode throws ConnectError. */
  constructor(decode: (message: Buffer) => T) {
    this.#decode = decode;
    this.opened = new Promise((resolve, reject) => {
      this.#resolveOpened = resolve;
      this.#rejectOpened = reject;
    });
  }

  /** Ends `call`, whose events these are, when `signal` is aborted. Called before its start. */
  attach(call: ClientCall, signal: AbortSignal): void {
    this.#call = call;
    this.#signal = signal;
    if (signal.aborted) this.handleEvent();
    else signal.addEventListener("abort", this);
  }

  /** The signal was aborted. */
  handleEvent(): void {
    this.#fail(abortError(this.#signal!));
  }

  /**
   * Sends all of `requests`, encoded, and half-closes. Called after the start; never rejects: what
   * the iterable or `encode` throws ends the call.
   */
  async send<R>(
    requests: AsyncIterable<R>,
    encode: (request: R) => Uint8Array,
    compressMinBytes: number,
  ): Promise<void> {
    const call = this.#call!;
    let iterator: AsyncIterator<R> | null = null;
    try {
      iterator = requests[Symbol.asyncIterator]();
      while (!this.#isEnded) {
        const { done, value } = await iterator.next();
        if (done === true) {
          iterator = null;
          call.halfClose();
          return;
        }
        if (this.#isEnded) break;
        const bytes = encode(value);
        if (!call.send(bytes, bytes.length >= compressMinBytes)) await this.#untilWritable();
      }
    } catch (error) {
      this.#fail(connectErrorOf(error, Code.Internal));
    }
    // It is asked for no more: what its `finally` holds is let go.
    await iterator?.return?.().catch(() => {});
  }

  #untilWritable(): Promise<void> {
    if (this.#isEnded) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onWritable = resolve;
    });
  }

  /** The next message; done after the last; rejects once when the call failed. */
  next(): Promise<IteratorResult<T>> {
    return new Promise((resolve, reject) => {
      const reader = { resolve, reject };
      if (this.#isEnded) this.#tellEnd(reader);
      else {
        this.#readers.push(reader);
        this.#call!.read();
      }
    });
  }

  /** Nobody reads on: the server is told. */
  abandon(): void {
    this.#fail(new ConnectError("the call was abandoned", Code.Canceled));
  }

  #fail(error: ConnectError): void {
    if (this.#isEnded) return;
    this.#failure = error;
    this.#call!.cancel(Status.CANCELLED, "");
  }

  onHeaders(list: HeaderList): void {
    this.#headers = list;
    this.#resolveOpened(toHeaders(list));
  }

  onMessage(message: Buffer): void {
    const reader = this.#readers.shift()!;
    let value: T;
    try {
      value = this.#decode(message);
    } catch (error) {
      this.#readers.unshift(reader);
      this.#fail(connectErrorOf(error, Code.Internal));
      return;
    }
    reader.resolve({ done: false, value });
  }

  onWritable(): void {
    const resolve = this.#onWritable;
    this.#onWritable = null;
    resolve?.();
  }

  onEnd(status: CallStatus): void {
    this.#isEnded = true;
    this.#signal?.removeEventListener("abort", this);
    const { trailers } = status;
    if (this.#failure === null && status.code !== Status.OK) {
      this.#failure = statusError(status, this.#headers);
    }
    if (this.#headers !== null) {
      if (trailers !== null) addAll(this.trailer, trailers);
    } else if (this.#failure === null) this.#resolveOpened(toHeaders(trailers));
    else this.#rejectOpened(this.#failure);
    this.onWritable();
    for (const reader of this.#readers.splice(0)) this.#tellEnd(reader);
  }

  #tellEnd(reader: Reader<T>): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure === null) reader.resolve(DONE);
    else reader.reject(failure);
  }
}
