/**
 * The four kinds of calls of grpc.testing.TestService through grpc-js, as promises of what came.
 */
import {
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
  type StatusObject,
} from "@grpc/grpc-js";

/** What came of a call. */
export interface Answer {
  readonly messages: Buffer[];
  readonly header: Metadata;
  readonly status: StatusObject;
}

const same = (bytes: Buffer) => bytes;

/** The path of a method. */
export function pathOf(method: string, service = "TestService"): string {
  return `/grpc.testing.${service}/${method}`;
}

/** A unary call. */
export function unary(
  client: Client,
  path: string,
  request: Buffer,
  metadata = new Metadata(),
): Promise<Answer> {
  return new Promise((settle) => {
    const { answer, call } = single((onAnswer) =>
      client.makeUnaryRequest(path, same, same, request, metadata, onAnswer),
    );
    call.on("status", (status: StatusObject) => settle({ ...answer, status }));
  });
}

/** A client-streaming call that sends these messages, or is cancelled instead. */
export function clientStream(
  client: Client,
  path: string,
  requests: readonly Buffer[],
  isCancelled = false,
): Promise<Answer> {
  return new Promise((settle) => {
    const { answer, call } = single((onAnswer) =>
      client.makeClientStreamRequest(path, same, same, onAnswer),
    );
    call.on("status", (status: StatusObject) => settle({ ...answer, status }));
    if (isCancelled) {
      call.cancel();
      return;
    }
    for (const request of requests) call.write(request);
    call.end();
  });
}

/** Starts a call with a single answer, and collects what comes. */
function single<C extends { on(event: "metadata", listener: (header: Metadata) => void): unknown }>(
  start: (onAnswer: (error: ServiceError | null, message?: Buffer) => void) => C,
) {
  const answer = { messages: [] as Buffer[], header: new Metadata() };
  const call = start((_, message) => {
    if (message !== undefined) answer.messages.push(message);
  });
  call.on("metadata", (header) => {
    answer.header = header;
  });
  return { answer, call };
}

/** A server-streaming call. */
export function serverStream(client: Client, path: string, request: Buffer): Promise<Answer> {
  return collect(client.makeServerStreamRequest(path, same, same, request), () => {});
}

/**
 * A bidirectional call. `onMessage` is told of each answer, counted from 0 (at the start: -1), and
 * writes, ends or cancels.
 */
export function bidi(
  client: Client,
  path: string,
  onMessage: (call: ClientDuplexStream<Buffer, Buffer>, index: number) => void,
  options: { readonly metadata?: Metadata; readonly deadlineMs?: number } = {},
): Promise<Answer> {
  const deadline =
    options.deadlineMs === undefined ? {} : { deadline: Date.now() + options.deadlineMs };
  const metadata = options.metadata ?? new Metadata();
  const call = client.makeBidiStreamRequest(path, same, same, metadata, deadline);
  const answer = collect(call, (index) => onMessage(call, index));
  onMessage(call, -1);
  return answer;
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
      if (status !== null && hasEnded) settle({ messages, header, status });
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
