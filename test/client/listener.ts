/**
 * A Greeter that notes the trace context which each call brings (the header `traceparent`,
 * https://www.w3.org/TR/trace-context/), and answers every message with an empty one.
 */
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from "@grpc/grpc-js";

/** A running one. */
export interface Listener {
  /** "127.0.0.1:PORT". */
  readonly address: string;
  /** "PATH TRACEPARENT" of each call so far; a call without one has "none". */
  heard(): readonly string[];
  close(): void;
}

const SERVICE = "/greet.v1.Greeter";
const EMPTY = Buffer.alloc(0);
const same = (bytes: Buffer): Buffer => bytes;

/** Starts one on a port of its own. */
export async function startListener(): Promise<Listener> {
  const heard: string[] = [];
  const server = new Server();
  const hear = (call: { readonly metadata: Metadata; getPath(): string }) => {
    const values = call.metadata.get("traceparent");
    heard.push(`${call.getPath()} ${values.length === 0 ? "none" : values.join()}`);
  };
  server.addService(
    {
      SayHello: method("SayHello", false, false),
      SayHellos: method("SayHellos", false, true),
      GreetAll: method("GreetAll", true, false),
      Chat: method("Chat", true, true),
    },
    {
      SayHello(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
        hear(call);
        done(null, EMPTY);
      },
      SayHellos(call: ServerWritableStream<Buffer, Buffer>) {
        hear(call);
        call.write(EMPTY);
        call.end();
      },
      GreetAll(call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
        hear(call);
        call.resume().on("end", () => done(null, EMPTY));
      },
      Chat(call: ServerDuplexStream<Buffer, Buffer>) {
        hear(call);
        call.on("data", () => call.write(EMPTY)).on("end", () => call.end());
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    heard: () => heard,
    close: () => server.forceShutdown(),
  };
}

function method(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `${SERVICE}/${name}`,
    ...{ requestStream, responseStream },
    ...{ requestSerialize: same, requestDeserialize: same },
    ...{ responseSerialize: same, responseDeserialize: same },
  };
}
