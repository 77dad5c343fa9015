/**
 * Sends what a caller's iterable yields, as fast as the server takes it: the next message is asked
 * for when there is room for it.
 */

/** Where the messages go. */
export interface RequestSink<Req> {
  /** Whether more is wanted: at once, or when there is room. */
  write(message: Req): boolean | Promise<boolean>;
  end(): void;
  /** The iterable threw. */
  failSource(error: unknown): void;
}

/** What a caller may send: messages there already, or still to come. */
export type Requests<Req> = AsyncIterable<Req> | Iterable<Req>;

/** See the head of this file. */
export class RequestPump<Req> {
  readonly #sink: RequestSink<Req>;
  readonly #iterator: AsyncIterator<Req> | Iterator<Req>;
  #isOver = false;

  /** @throws TypeError when `requests` cannot be iterated. */
  constructor(sink: RequestSink<Req>, requests: Requests<Req>) {
    this.#sink = sink;
    this.#iterator = iteratorOf(requests);
  }

  /** Sends until the end of either side. Never rejects. */
  async run(): Promise<void> {
    try {
      while (!this.#isOver) {
        const { done, value } = await this.#iterator.next();
        if (this.#isOver) return;
        if (done === true) {
          this.#isOver = true;
          this.#sink.end();
          return;
        }
        const more = this.#sink.write(value);
        if (more === false || (more !== true && !(await more))) this.stop();
      }
    } catch (error) {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#sink.failSource(error);
    }
  }

  /** Nobody wants more: the iterable is told, as by `break` in a loop over it. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      // What it throws on its way out concerns nobody any more.
      Promise.resolve(this.#iterator.return?.()).catch(() => {});
    } catch {
      // A generator that is running ended the call from within.
    }
  }
}

function iteratorOf<Req>(requests: Requests<Req>): AsyncIterator<Req> | Iterator<Req> {
  if (typeof requests === "object" && requests !== null) {
    if (Symbol.asyncIterator in requests) return requests[Symbol.asyncIterator]();
    if (Symbol.iterator in requests) return requests[Symbol.iterator]();
  }
  throw new TypeError("requests must be an iterable or async iterable of messages");
}
