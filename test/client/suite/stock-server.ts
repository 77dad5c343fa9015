/**
 * A well-behaved server for the channel suite: stock grpc-js, with one service that does as asked.
 *
 * What a call wants is in its metadata ("x-order"). For servers that break rules there is
 * `RawServer`.
 */
import * as grpc from "@grpc/grpc-js";
import { decodeBytes, encodeBytes } from "./messages.ts";

/** How the server is set up. */
export interface StockOptions {
  /** PEM texts; with `ca`, clients must show a certificate of it. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** Options of grpc-js. */
  readonly options?: grpc.ServerOptions;
  readonly port?: number;
}

const SERVICE = {
  Call: method("Call", false, false),
  Collect: method("Collect", true, false),
  Produce: method("Produce", false, true),
  Chat: method("Chat", true, true),
};

function method(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/suite.Suite/${name}`,
    requestStream,
    responseStream,
    requestSerialize: encodeBytes,
    requestDeserialize: decodeBytes,
    responseSerialize: encodeBytes,
    responseDeserialize: decodeBytes,
  };
}

/** The paths of the service. */
export const Path = {
  /** Echoes; copies "x-echo..." to the headers and "x-trail..." to the trailers. */
  CALL: "/suite.Suite/Call",
  /** Answers with the number of messages. */
  COLLECT: "/suite.Suite/Collect",
  /** Sends as many messages as the request says in digits. */
  PRODUCE: "/suite.Suite/Produce",
  /** Echoes each message. */
  CHAT: "/suite.Suite/Chat",
} as const;

/** A running server, and what it saw. */
export class StockServer {
  readonly #server: grpc.Server;
  address = "";
  /** The metadata of each call, in order. */
  readonly seen: grpc.Metadata[] = [];
  /** The authority of each call, in order. */
  readonly hosts: string[] = [];
  /** How many calls were cancelled before they had an answer. */
  cancelledCount = 0;

  constructor(options: grpc.ServerOptions) {
    this.#server = new grpc.Server(options);
    this.#server.addService(SERVICE, {
      Call: this.#onCall.bind(this),
      Collect: this.#onCollect.bind(this),
      Produce: this.#onProduce.bind(this),
      Chat: this.#onChat.bind(this),
    });
  }

  /** Starts one on 127.0.0.1. */
  static async listen({ tls, options = {}, port = 0 }: StockOptions): Promise<StockServer> {
    const server = new StockServer(options);
    const credentials =
      tls === undefined
        ? grpc.ServerCredentials.createInsecure()
        : grpc.ServerCredentials.createSsl(
            tls.ca === undefined ? null : Buffer.from(tls.ca),
            [{ cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) }],
            tls.ca !== undefined,
          );
    const bound = await new Promise<number>((done, failed) => {
      server.#server.bindAsync(`127.0.0.1:${port}`, credentials, (error, actual) =>
        error === null ? done(actual) : failed(error),
      );
    });
    server.address = `127.0.0.1:${bound}`;
    return server;
  }

  /** Its TCP port. */
  get port(): number {
    return Number(this.address.slice(this.address.lastIndexOf(":") + 1));
  }

  /** Ends it and all its connections. */
  close(): void {
    this.#server.forceShutdown();
  }

  #note(call: grpc.ServerUnaryCall<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>) {
    this.seen.push(call.metadata);
    this.hosts.push(call.getHost());
    call.on("cancelled", () => {
      this.cancelledCount += 1;
    });
  }

  #onCall(call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>): void {
    this.#note(call);
    const initial = new grpc.Metadata();
    const trailing = new grpc.Metadata();
    for (const key of Object.keys(call.metadata.getMap())) {
      for (const value of call.metadata.get(key)) {
        if (key.startsWith("x-echo")) initial.add(key, value);
        if (key.startsWith("x-trail")) trailing.add(key, value);
      }
    }
    const order = String(call.metadata.get("x-order")[0] ?? "");
    if (order === "hang") return;
    if (order.startsWith("fail ")) {
      const [, code, details] = /^fail (\d+) ?(.*)$/s.exec(order)!;
      done({ code: Number(code), details: decodeURIComponent(details!), metadata: trailing });
      return;
    }
    call.sendMetadata(initial);
    done(null, call.request, trailing);
  }

  #onCollect(
    call: grpc.ServerReadableStream<Buffer, Buffer>,
    done: grpc.sendUnaryData<Buffer>,
  ): void {
    let count = 0;
    call.on("data", () => {
      count += 1;
    });
    call.on("end", () => done(null, Buffer.from(String(count))));
  }

  #onProduce(call: grpc.ServerWritableStream<Buffer, Buffer>): void {
    const count = Number(call.request.toString());
    for (let i = 0; i < count; i += 1) call.write(Buffer.from(`message ${i}`));
    call.end();
  }

  #onChat(call: grpc.ServerDuplexStream<Buffer, Buffer>): void {
    this.#note(call);
    call.on("data", (part: Buffer) => call.write(part));
    call.on("end", () => call.end());
    call.on("error", () => {});
  }
}
