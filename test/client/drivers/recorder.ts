/** What happened to one call, for drivers of APIs that tell it in pieces. */
import type { CallStatus, Entries } from "../suite/driver.ts";

/** Collects events, and settles the promises of a `SuiteCall`. */
export class Recorder {
  readonly events: string[] = [];
  readonly headers: Promise<Entries | null>;
  readonly status: Promise<CallStatus>;
  readonly #headers = Promise.withResolvers<Entries | null>();
  readonly #status = Promise.withResolvers<CallStatus>();

  constructor() {
    this.headers = this.#headers.promise;
    this.status = this.#status.promise;
  }

  /** The initial metadata came. */
  onHeaders(entries: Entries): void {
    this.events.push("headers");
    this.#headers.resolve(entries);
  }

  /** A message came. */
  onMessage(): void {
    this.events.push("message");
  }

  /** The call is over. */
  onEnd(status: CallStatus): void {
    this.events.push("status");
    this.#headers.resolve(null);
    this.#status.resolve(status);
  }
}

/** Entries from pairs, in order. */
export function entriesFrom(
  pairs: Iterable<readonly [key: string, value: string | Uint8Array]>,
): Entries {
  const entries: Record<string, (string | Buffer)[]> = {};
  for (const [key, value] of pairs) {
    entries[key] ??= [];
    entries[key].push(typeof value === "string" ? value : Buffer.from(value));
  }
  return entries;
}

/** Messages given one by one, taken as an async iterable. */
export class SendQueue<T> implements AsyncIterable<T> {
  readonly #waiting: { readonly message: T; readonly taken: () => void }[] = [];
  #isEnded = false;
  #wake = (): void => {};

  /** Resolves when the next message is asked for. */
  send(message: T): Promise<void> {
    return new Promise((taken) => {
      this.#waiting.push({ message, taken });
      this.#wake();
    });
  }

  /** No message follows. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        yield next.message;
        next.taken();
        continue;
      }
      if (this.#isEnded) return;
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }
}
