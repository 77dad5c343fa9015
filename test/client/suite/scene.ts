/**
 * What one case of the channel suite plays in: servers by hand and stock ones, channels, a call.
 *
 * All of it ends with the case. Servers listen on 127.0.0.1 only.
 */
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  eventually,
  type Pairs,
  type RawConnection,
  type RawOptions,
  RawServer,
  type RawStream,
} from "../../support/raw-http2.ts";
import type {
  CallOptions,
  ChannelDriver,
  ChannelOptions,
  Feature,
  SuiteCall,
  SuiteChannel,
} from "./driver.ts";
import { message } from "./messages.ts";
import { type StockOptions, StockServer } from "./stock-server.ts";

/** The headers of every gRPC answer. */
export const RESPONSE: Pairs = [
  [":status", "200"],
  ["content-type", "application/grpc"],
];

/** The most that a case may take: it fails then, instead of hanging. */
const CASE_TIMEOUT_MS = 10_000;

/** A call of a channel, and the server's side of it. */
export interface Staged {
  readonly server: RawServer;
  readonly channel: SuiteChannel;
  readonly call: SuiteCall;
  readonly connection: RawConnection;
  readonly stream: RawStream;
}

/** How `Scene.stage` makes its call. */
export interface StageOptions {
  readonly kind?: "unary" | "clientStream" | "serverStream" | "bidi";
  readonly call?: CallOptions;
  readonly channel?: ChannelOptions;
  readonly raw?: RawOptions;
  readonly request?: Uint8Array;
}

/** One case's servers and channels. */
export class Scene {
  readonly driver: ChannelDriver;
  readonly #cleanups: (() => unknown)[] = [];

  constructor(driver: ChannelDriver) {
    this.driver = driver;
  }

  /** Runs when the case is over, last come first. */
  defer(cleanup: () => unknown): void {
    this.#cleanups.unshift(cleanup);
  }

  /** A server whose every frame is in the hands of the case; 0 is any port. */
  async raw(options: RawOptions = {}, port = 0): Promise<RawServer> {
    const server = await RawServer.listen(options, port);
    this.defer(() => server.close());
    return server;
  }

  /** A stock grpc-js server. */
  async stock(options: StockOptions = {}): Promise<StockServer> {
    const server = await StockServer.listen(options);
    this.defer(() => server.close());
    return server;
  }

  /** A channel of the API under test. */
  open(target: string, options: ChannelOptions = {}): SuiteChannel {
    const channel = this.driver.open(target, options);
    this.defer(() => channel.close());
    return channel;
  }

  /** A call that has reached a server by hand. A unary request is "ping" unless given. */
  async stage(options: StageOptions = {}): Promise<Staged> {
    const server = await this.raw(options.raw);
    const channel = this.open(server.address, options.channel);
    const call = begin(channel, options);
    const connection = await server.next();
    const stream = await connection.nextStream();
    return { server, channel, call, connection, stream };
  }

  /** Ends everything. */
  async end(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0)) await cleanup();
  }
}

/** Starts a call as `StageOptions` say. */
export function begin(channel: SuiteChannel, options: StageOptions = {}): SuiteCall {
  const request = options.request ?? Buffer.from("ping");
  switch (options.kind ?? "unary") {
    case "unary":
      return channel.unary(request, options.call);
    case "serverStream":
      return channel.serverStream(request, options.call);
    case "clientStream":
      return channel.clientStream(options.call);
    case "bidi":
      return channel.bidi(options.call);
  }
}

/** The next stream that nobody took yet, on whatever connection it came or comes. */
export async function freshStream(
  server: RawServer,
): Promise<{ readonly connection: RawConnection; readonly stream: RawStream }> {
  const connection = await eventually("a stream", () =>
    server.connections.find(({ freshCount }) => freshCount > 0),
  );
  return { connection, stream: await connection.nextStream() };
}

/** A whole good answer with one message. */
export function answer(
  connection: RawConnection,
  stream: RawStream,
  body: Uint8Array | string = "pong",
  trailers: Pairs = [],
): void {
  connection.headers(stream.id, RESPONSE);
  connection.data(stream.id, message(body));
  connection.headers(stream.id, [["grpc-status", "0"], ...trailers], true);
}

/** Time in which things happen that must not. */
export function aWhile(ms = 30): Promise<void> {
  return sleep(ms);
}

/** One promise of a channel, and the scene that shows it. */
export interface Case {
  readonly name: string;
  readonly body: (scene: Scene) => Promise<void>;
  /** What an API must offer for it. */
  readonly needs: readonly Feature[];
}

/** A case. */
export function newCase(name: string, body: Case["body"], needs: readonly Feature[] = []): Case {
  return { name, body, needs };
}

/** Why a case cannot be said in an API; null when it can. */
export function lackOf(driver: ChannelDriver, { needs }: Case): string | null {
  return needs.map((feature) => driver.lacks[feature]).find((text) => text !== undefined) ?? null;
}

/** Makes a test of a case. */
export function defineCase(driver: ChannelDriver, { name, body }: Case): void {
  test(`${driver.name}: ${name}`, { timeout: CASE_TIMEOUT_MS }, async (t) => {
    const scene = new Scene(driver);
    // A case that hangs must not keep the others' process alive.
    t.signal.addEventListener("abort", () => void scene.end());
    try {
      await body(scene);
    } finally {
      await scene.end();
    }
  });
}
