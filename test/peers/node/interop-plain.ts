/**
 * The interop cases' client over fairlead's plain API, without a stub.
 *
 * It compresses a call or not, never one message of it: see `LACKED_CASES`.
 */
import {
  type Channel,
  createChannel,
  type DuplexStream,
  type CallOptions as GivenOptions,
  GrpcError,
  type Metadata,
  type Method,
  type ResponseStream,
} from "../../../src/client/plain/public.ts";
import type { Answer, Caller, CallOptions, Duplex, OpenCaller, Sent } from "./interop-caller.ts";

/** Calls through channels of the plain API. */
export const plainCallers: OpenCaller = (target, isCompressing) =>
  new PlainCaller(createChannel(target, isCompressing ? { compression: "gzip" } : {}));

/** See the head of this file. */
class PlainCaller implements Caller {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  unary(path: string, request: Buffer, options: CallOptions = {}): Promise<Answer> {
    const heard = new Heard();
    const answer = this.#channel.unary(methodOf(path), request, heard.options(options));
    return heard.single(answer);
  }

  clientStream(path: string, requests: readonly Sent[], isCancelled = false): Promise<Answer> {
    const heard = new Heard();
    const abort = new AbortController();
    // One that is to be cancelled goes on until it is.
    const bodies = isCancelled ? endless(abort.signal) : requests.map(({ bytes }) => bytes);
    const answer = this.#channel.clientStream(methodOf(path), bodies, {
      ...heard.options({}),
      signal: abort.signal,
    });
    if (isCancelled) abort.abort();
    return heard.single(answer);
  }

  serverStream(path: string, request: Buffer): Promise<Answer> {
    const heard = new Heard();
    return heard.stream(
      this.#channel.serverStream(methodOf(path), request, heard.options({})),
      () => {},
    );
  }

  bidi(
    path: string,
    onMessage: (call: Duplex, index: number) => void,
    options: CallOptions = {},
  ): Promise<Answer> {
    const heard = new Heard();
    const abort = new AbortController();
    const given = { ...heard.options(options), signal: abort.signal };
    const stream = this.#channel.duplex(methodOf(path), given);
    const call = duplexOver(stream, abort);
    onMessage(call, -1);
    return heard.stream(stream, (index) => onMessage(call, index));
  }

  close(): void {
    this.#channel.close();
  }
}

const same = <T>(bytes: T): T => bytes;

function methodOf(path: string): Method<Uint8Array, Buffer> {
  return { path, encode: same, decode: same };
}

/** Requests that never come. */
async function* endless(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  await new Promise((done) => signal.addEventListener("abort", done, { once: true }));
}

function duplexOver(stream: DuplexStream<Uint8Array, Buffer>, abort: AbortController): Duplex {
  return {
    write: (message) => void stream.write(message),
    end: () => stream.end(),
    cancel: () => abort.abort(),
  };
}

/** What came of one call. */
class Heard {
  #header: Metadata | null = null;
  #trailer: Metadata | null = null;
  readonly #messages: Buffer[] = [];

  options({ metadata, deadlineMs }: CallOptions): GivenOptions {
    return {
      metadata,
      timeoutMs: deadlineMs,
      onHeaders: (header) => {
        this.#header = header;
      },
      onTrailers: (trailer) => {
        this.#trailer = trailer;
      },
    };
  }

  async single(answer: Promise<Buffer>): Promise<Answer> {
    try {
      this.#messages.push(await answer);
      return this.#answer(null);
    } catch (error) {
      return this.#answer(error);
    }
  }

  async stream(
    stream: ResponseStream<Buffer>,
    onMessage: (index: number) => void,
  ): Promise<Answer> {
    try {
      for await (const message of stream) {
        this.#messages.push(message);
        onMessage(this.#messages.length - 1);
      }
      return this.#answer(null);
    } catch (error) {
      return this.#answer(error);
    }
  }

  #answer(error: unknown): Answer {
    if (error !== null && !(error instanceof GrpcError)) throw error;
    return {
      messages: this.#messages,
      code: error?.code ?? 0,
      details: error?.details ?? "",
      header: (key) => valuesOf(this.#header, key),
      trailer: (key) => valuesOf(this.#trailer, key),
    };
  }
}

function valuesOf(metadata: Metadata | null, key: string): readonly (string | Buffer)[] {
  if (metadata === null) return [];
  return key.endsWith("-bin") ? metadata.getAllBinary(key) : metadata.getAll(key);
}
