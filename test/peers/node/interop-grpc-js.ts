/**
 * The interop cases' client over grpc-js: its generic client, on its own channel or on another that
 * takes its place (`channelFactoryOverride`).
 */
import {
  Client,
  type ClientOptions,
  type ClientReadableStream,
  type ClientWritableStream,
  compressionAlgorithms,
  credentials,
  Metadata,
  type ServiceError,
  type StatusObject,
} from "@grpc/grpc-js";
import type { Answer, Caller, CallOptions, Duplex, OpenCaller, Sent } from "./interop-caller.ts";

/** Calls through grpc-js on the channel that `options` ask for. */
export function grpcJsCallers(options: ClientOptions): OpenCaller {
  return (target, isCompressing) => {
    const compression = { "grpc.default_compression_algorithm": compressionAlgorithms.gzip };
    return new GrpcJsCaller(
      new Client(target, credentials.createInsecure(), {
        ...options,
        ...(isCompressing ? compression : {}),
      }),
    );
  };
}

const same = (bytes: Buffer) => bytes;

/** See the head of this file. */
class GrpcJsCaller implements Caller {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  unary(path: string, request: Buffer, options: CallOptions = {}): Promise<Answer> {
    return single((onAnswer) =>
      this.#client.makeUnaryRequest(
        path,
        same,
        same,
        request,
        metadataOf(options),
        deadlineOf(options),
        onAnswer,
      ),
    );
  }

  clientStream(path: string, requests: readonly Sent[], isCancelled = false): Promise<Answer> {
    return single((onAnswer) => {
      const call = this.#client.makeClientStreamRequest(path, same, same, onAnswer);
      if (isCancelled) {
        call.cancel();
        return call;
      }
      void writeAll(call, requests).then(() => call.end());
      return call;
    });
  }

  serverStream(path: string, request: Buffer): Promise<Answer> {
    return collect(this.#client.makeServerStreamRequest(path, same, same, request), () => {});
  }

  bidi(
    path: string,
    onMessage: (call: Duplex, index: number) => void,
    options: CallOptions = {},
  ): Promise<Answer> {
    const call = this.#client.makeBidiStreamRequest(
      path,
      same,
      same,
      metadataOf(options),
      deadlineOf(options),
    );
    const answer = collect(call, (index) => onMessage(call, index));
    onMessage(call, -1);
    return answer;
  }

  close(): void {
    this.#client.close();
  }
}

/** grpc-js's WriteFlags.NoCompress, which it does not export. */
const NO_COMPRESS = 2;

/** Writes one after the other. grpc-js takes flags of a message where streams take an encoding. */
async function writeAll(call: ClientWritableStream<Buffer>, requests: readonly Sent[]) {
  for (const { bytes, isPlain = false } of requests) {
    await new Promise<unknown>((done) => {
      if (isPlain) call.write(bytes, NO_COMPRESS, done);
      else call.write(bytes, done);
    });
  }
}

function metadataOf(options: CallOptions): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(options.metadata ?? {})) metadata.set(key, value);
  return metadata;
}

function deadlineOf({ deadlineMs }: CallOptions): { deadline?: number } {
  return deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
}

function answerOf(messages: readonly Buffer[], header: Metadata, status: StatusObject): Answer {
  return {
    messages,
    code: status.code,
    details: status.details,
    header: (key) => header.get(key),
    trailer: (key) => status.metadata.get(key),
  };
}

/** Starts a call with a single answer, and collects what comes. */
function single(
  start: (onAnswer: (error: ServiceError | null, message?: Buffer) => void) => {
    on(event: "metadata", listener: (header: Metadata) => void): unknown;
    on(event: "status", listener: (status: StatusObject) => void): unknown;
  },
): Promise<Answer> {
  return new Promise((settle) => {
    const messages: Buffer[] = [];
    let header = new Metadata();
    const call = start((_, message) => {
      if (message !== undefined) messages.push(message);
    });
    call.on("metadata", (received: Metadata) => {
      header = received;
    });
    call.on("status", (status: StatusObject) => settle(answerOf(messages, header, status)));
  });
}

function collect(
  call: ClientReadableStream<Buffer>,
  onMessage: (index: number) => void,
): Promise<Answer> {
  return new Promise((settle) => {
    const messages: Buffer[] = [];
    let header = new Metadata();
    let status: StatusObject | null = null;
    let hasEnded = false;
    const finish = () => {
      if (status !== null && hasEnded) settle(answerOf(messages, header, status));
    };
    call.on("metadata", (received: Metadata) => {
      header = received;
    });
    call.on("data", (message: Buffer) => {
      messages.push(message);
      onMessage(messages.length - 1);
    });
    call.on("error", () => {}); // The status event says the same.
    call.on("end", () => {
      hasEnded = true;
      finish();
    });
    call.on("status", (received: StatusObject) => {
      status = received;
      finish();
    });
  });
}
