/**
 * For the tests of this folder: a service of all four kinds of methods, with descriptors made here
 * as generated code would have them, on a server of grpc-js and on one of connect-node.
 *
 * The text of a request says what becomes of it: "fail" for an error with details, "hang" for no
 * answer; anything else comes back.
 */
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import {
  fileDesc,
  type GenMessage,
  type GenService,
  messageDesc,
  serviceDesc,
} from "@bufbuild/protobuf/codegenv2";
import {
  anyPack,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";

/** fairlead.test.EchoMessage */
export type EchoMessage = Message<"fairlead.test.EchoMessage"> & {
  text: string;
  data: Uint8Array;
  count: number;
};

const method = (name: string, clientStreaming: boolean, serverStreaming: boolean) => ({
  ...{ name, clientStreaming, serverStreaming },
  inputType: ".fairlead.test.EchoMessage",
  outputType: ".fairlead.test.EchoMessage",
});

const field = (name: string, number: number, type: FieldDescriptorProto_Type) => ({
  ...{ name, number, type },
  label: 1,
});

const FILE = fileDesc(
  Buffer.from(
    toBinary(
      FileDescriptorProtoSchema,
      create(FileDescriptorProtoSchema, {
        ...{ name: "echo.proto", package: "fairlead.test", syntax: "proto3" },
        messageType: [
          {
            name: "EchoMessage",
            field: [
              field("text", 1, FieldDescriptorProto_Type.STRING),
              field("data", 2, FieldDescriptorProto_Type.BYTES),
              field("count", 3, FieldDescriptorProto_Type.INT32),
            ],
          },
        ],
        service: [
          {
            name: "Echo",
            method: [
              method("Unary", false, false),
              method("Download", false, true),
              method("Upload", true, false),
              method("Chat", true, true),
            ],
          },
        ],
      }),
    ),
  ).toString("base64"),
);

type Echoes<Kind> = {
  methodKind: Kind;
  input: typeof EchoMessageSchema;
  output: typeof EchoMessageSchema;
};

/** The message of every method. */
export const EchoMessageSchema = messageDesc(FILE, 0) as GenMessage<EchoMessage>;

/** The service. */
export const Echo = serviceDesc(FILE, 0) as GenService<{
  unary: Echoes<"unary">;
  /** `count` messages. */
  download: Echoes<"server_streaming">;
  /** Their number and the last text. */
  upload: Echoes<"client_streaming">;
  chat: Echoes<"bidi_streaming">;
}>;

/** A server of this service. */
export interface EchoServer {
  readonly kind: "grpc-js" | "connect-node";
  /** "127.0.0.1:PORT". */
  readonly address: string;
  /** What servers of calls have seen, in order: "cancelled", "sent 7". */
  readonly events: string[];
  /** GOAWAY to every connection; calls in flight finish. */
  goAway(): void;
  close(): void;
}

/** What the error of "fail" carries. */
export const DETAIL = create(EchoMessageSchema, { text: "a detail" });

function failure(): ConnectError {
  const metadata = { "x-trail": "of the error" };
  return new ConnectError("no such thing: 100 %, ü", Code.NotFound, metadata, [
    { desc: EchoMessageSchema, value: DETAIL },
  ]);
}

/** The service on a router of Connect, with JSON and compression. */
export async function startConnectServer(): Promise<EchoServer> {
  const events: string[] = [];
  const routes = (router: ConnectRouter) => router.service(Echo, connectHandlers(events));
  const server = createServer(connectNodeAdapter({ routes }));
  const sessions = sessionsOf(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    kind: "connect-node",
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    events,
    goAway: () => {
      for (const session of sessions) session.goaway(0, 2 ** 31 - 1);
      for (const session of sessions) session.close();
    },
    close: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

function sessionsOf(server: Http2Server): Set<ServerHttp2Session> {
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => {});
  });
  return sessions;
}

function connectHandlers(events: string[]) {
  const cancelled = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        events.push("cancelled");
        reject(signal.reason);
      });
    });
  const begin = (context: HandlerContext): void => {
    const seen = context.requestHeader.get("x-in");
    if (seen !== null) context.responseHeader.set("x-out", seen);
    context.responseTrailer.set("x-trail", "done");
  };
  return {
    unary(request: EchoMessage, context: HandlerContext) {
      begin(context);
      if (request.text === "fail") throw failure();
      if (request.text === "hang") return cancelled(context.signal);
      return request;
    },
    async *download(request: EchoMessage, context: HandlerContext) {
      begin(context);
      context.signal.addEventListener("abort", () => events.push("cancelled"));
      for (let count = 0; count < request.count; count++) {
        yield { text: request.text, data: request.data, count };
        events.push(`sent ${count}`);
      }
      if (request.text === "fail") throw failure();
      if (request.text === "hang") await cancelled(context.signal);
    },
    async upload(requests: AsyncIterable<EchoMessage>, context: HandlerContext) {
      begin(context);
      let count = 0;
      let text = "";
      for await (const request of requests) {
        events.push("received");
        if (request.text === "fail") throw failure();
        count += 1;
        text = request.text;
      }
      return { count, text };
    },
    async *chat(requests: AsyncIterable<EchoMessage>, context: HandlerContext) {
      begin(context);
      context.signal.addEventListener("abort", () => events.push("cancelled"));
      for await (const request of requests) {
        if (request.text === "fail") throw failure();
        yield request;
      }
    },
  };
}

type Serverside = grpc.ServerDuplexStream<EchoMessage, EchoMessage>;

/**
 * The service on a server of grpc-js.
 *
 * @param tls its certificate; clients must show one of `clientCa` when that is given.
 */
export async function startGrpcJsServer(
  tls: { cert: string; key: string; clientCa: string | null } | null = null,
): Promise<EchoServer> {
  const events: string[] = [];
  const server = new grpc.Server();
  server.addService(grpcJsDefinition(), grpcJsHandlers(events));
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = tls === null ? grpc.ServerCredentials.createInsecure() : secured(tls);
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    kind: "grpc-js",
    address: `127.0.0.1:${port}`,
    events,
    goAway: () => server.drain(`127.0.0.1:${port}`, 60_000),
    close: () => server.forceShutdown(),
  };
}

function secured(tls: { cert: string; key: string; clientCa: string | null }) {
  const pair = { cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) };
  const ca = tls.clientCa === null ? null : Buffer.from(tls.clientCa);
  return grpc.ServerCredentials.createSsl(ca, [pair], ca !== null);
}

function grpcJsDefinition(): grpc.ServiceDefinition {
  const write = (message: EchoMessage): Buffer =>
    Buffer.from(toBinary(EchoMessageSchema, create(EchoMessageSchema, message)));
  const read = (bytes: Buffer): EchoMessage => fromBinary(EchoMessageSchema, bytes);
  const entries = Object.values(Echo.method).map((each) => [
    each.localName,
    {
      path: `/${Echo.typeName}/${each.name}`,
      requestStream: ["client_streaming", "bidi_streaming"].includes(each.methodKind),
      responseStream: ["server_streaming", "bidi_streaming"].includes(each.methodKind),
      ...{ requestSerialize: write, requestDeserialize: read },
      ...{ responseSerialize: write, responseDeserialize: read },
    },
  ]);
  return Object.fromEntries(entries) as grpc.ServiceDefinition;
}

function grpcJsFailure(): Partial<grpc.StatusObject> {
  const { rawMessage, code } = failure();
  const metadata = new grpc.Metadata();
  metadata.set("x-trail", "of the error");
  metadata.set("grpc-status-details-bin", richStatus(rawMessage, code));
  return { code: code as number, details: rawMessage, metadata };
}

/** google.rpc.Status with `DETAIL`, put together by hand. */
function richStatus(message: string, code: Code): Buffer {
  const any = anyPack(EchoMessageSchema, DETAIL);
  const part = (tag: number, bytes: Uint8Array): Buffer =>
    Buffer.concat([Buffer.from([tag, bytes.length]), bytes]);
  const inner = Buffer.concat([part(0x0a, Buffer.from(any.typeUrl)), part(0x12, any.value)]);
  return Buffer.concat([
    Buffer.from([0x08, code]),
    part(0x12, Buffer.from(message)),
    part(0x1a, inner),
  ]);
}

function grpcJsHandlers(events: string[]): grpc.UntypedServiceImplementation {
  const trailers = (): grpc.Metadata => {
    const metadata = new grpc.Metadata();
    metadata.set("x-trail", "done");
    return metadata;
  };
  const begin = (call: Serverside): void => {
    const headers = new grpc.Metadata();
    for (const value of call.metadata.get("x-in")) headers.add("x-out", value);
    call.sendMetadata(headers);
  };
  const watch = (call: Serverside): void => {
    call.on("error", () => {});
    call.on("cancelled", () => events.push("cancelled"));
  };
  const handlers = {
    unary(call: Serverside & { request: EchoMessage }, done: grpc.sendUnaryData<EchoMessage>) {
      watch(call);
      const { text } = call.request;
      begin(call);
      if (text === "fail") done(grpcJsFailure() as grpc.ServiceError);
      else if (text !== "hang") done(null, call.request, trailers());
    },
    async download(call: Serverside & { request: EchoMessage }) {
      watch(call);
      const { text, data, count } = call.request;
      begin(call);
      for (let i = 0; i < count && !call.cancelled; i++) {
        const isRoom = call.write({ text, data, count: i } as EchoMessage);
        events.push(`sent ${i}`);
        if (!isRoom) await new Promise((resolve) => call.once("drain", resolve));
      }
      if (text === "fail") call.emit("error", grpcJsFailure());
      else if (text !== "hang") call.end(trailers());
    },
    upload(call: Serverside, done: grpc.sendUnaryData<EchoMessage>) {
      watch(call);
      let count = 0;
      let text = "";
      begin(call);
      call.on("data", (request: EchoMessage) => {
        events.push("received");
        if (request.text === "fail") done(grpcJsFailure() as grpc.ServiceError);
        count += 1;
        text = request.text;
      });
      call.on("end", () => {
        if (text !== "fail") done(null, { count, text } as EchoMessage, trailers());
      });
    },
    chat(call: Serverside) {
      watch(call);
      begin(call);
      call.on("data", (request: EchoMessage) => {
        if (request.text === "fail") call.emit("error", grpcJsFailure());
        else if (!call.write(request)) {
          call.pause();
          call.once("drain", () => call.resume());
        }
      });
      call.on("end", () => call.end(trailers()));
    },
  };
  return handlers as unknown as grpc.UntypedServiceImplementation;
}
