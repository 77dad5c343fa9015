/**
 * The states of a channel, read as an async iterable: the one that is, then each change.
 *
 * No generator: the `return` of one waits until the next change, which may never come.
 */
import type { Connectivity } from "../../cluster/index.ts";
import type { ClientChannel } from "../core/index.ts";

type Result = IteratorResult<Connectivity, void>;

/** See the head of this file. Made by `Channel.watchConnectivity`. */
export class ConnectivityWatch implements AsyncGenerator<Connectivity, void, undefined> {
  readonly #channel: ClientChannel;
  /** What ends the watching, which begins with the first read. */
  #stop: (() => void) | null = null;
  #last: Connectivity | null = null;
  /** Reads that wait for a change. */
  #readers: ((result: Result) => void)[] = [];
  #isOver = false;

  /** @internal */
  constructor(channel: ClientChannel) {
    this.#channel = channel;
  }

  /** Resolves with the next change; done after SHUTDOWN and after `return`. Never rejects. */
  next(): Promise<Result> {
    return new Promise((resolve) => {
      this.#readers.push(resolve);
      if (!this.#isOver) this.#stop ??= this.#channel.watchConnectivity(() => this.#tell());
      this.#tell();
    });
  }

  /** Ends it at once, with the reads that wait. */
  return(): Promise<Result> {
    this.#end();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** As `return`, and rejects with `error`, as a generator does. */
  throw(error: unknown): Promise<Result> {
    this.#end();
    return Promise.reject(error);
  }

  #tell(): void {
    if (this.#isOver) {
      this.#end();
      return;
    }
    const state = this.#channel.connectivity(false);
    const reader = state === this.#last ? undefined : this.#readers.shift();
    if (reader === undefined) return;
    this.#last = state;
    reader({ value: state, done: false });
    if (state === "SHUTDOWN") this.#end();
  }

  #end(): void {
    this.#isOver = true;
    this.#stop?.();
    const readers = this.#readers;
    this.#readers = [];
    for (const reader of readers) reader({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
  }
}
