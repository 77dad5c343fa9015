/**
 * Sockets for tests of the transport: a listener with recorded users, raw peers that speak in
 * frames, and waiting for what the event loop brings. Time is virtual but for the sockets
 * themselves.
 */
import assert from "node:assert/strict";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach } from "node:test";
import { VirtualClock } from "../../src/base/index.ts";
import {
  type ConnectionFailure,
  DEFAULT_CONNECTION_CONFIG,
  type HeaderList,
  type Stream,
} from "../../src/http2/index.ts";
import {
  ConnectionCount,
  type ConnectUser,
  Listener,
  type ListenerOptions,
  type SocketConnection,
  TransportLoop,
} from "../../src/transport/index.ts";
import { FrameReader } from "./http2-frames.ts";
import { Recorder, type StreamHooks } from "./http2-recorder.ts";

/** What a test that failed has left open: nothing may keep the process alive. */
const leftovers: (() => void)[] = [];

afterEach(() => {
  for (const end of leftovers.splice(0)) end();
});

/** Turns of the event loop until `isTrue` holds; fails with `what` after ten seconds. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!isTrue()) {
    if (performance.now() > endMs) assert.fail(`never: ${what}`);
    await turn();
  }
}

/** One turn of the event loop, with a pause for the kernel. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** The user of a connection, client or server, that writes everything down. */
export class SocketUser implements ConnectUser {
  readonly recorder: Recorder;
  connection: SocketConnection | null = null;
  readonly closed: ConnectionFailure[] = [];
  readonly goAways: string[] = [];
  isReady = false;

  constructor(hooks: StreamHooks = {}) {
    this.recorder = new Recorder(hooks);
  }

  onAccepted(connection: SocketConnection): void {
    this.connection = connection;
    leftovers.push(() => connection.socket.destroy());
  }
  onConnected(connection: SocketConnection): void {
    this.onAccepted(connection);
  }
  onStream(stream: Stream, list: HeaderList, isEnd: boolean) {
    return this.recorder.onStream(stream, list, isEnd);
  }
  onReady(): void {
    this.isReady = true;
  }
  onCapacity(): void {}
  onGoAway(reason: string): void {
    this.goAways.push(reason);
  }
  onClosed(failure: ConnectionFailure): void {
    assert.equal(this.closed.length, 0, "closed once");
    this.closed.push(failure);
  }
}

/** A listener on loopback whose users are recorded. */
export class TestListener {
  readonly clock = new VirtualClock();
  readonly loop = new TransportLoop(this.clock);
  readonly count = new ConnectionCount();
  readonly users: SocketUser[] = [];
  readonly refused: string[] = [];
  /** Whom, and under which label. */
  readonly refusedWhom: string[] = [];
  readonly listener: Listener;
  address = "";

  constructor(options: Partial<ListenerOptions> = {}, hooks: StreamHooks = {}) {
    const onConnection = () => {
      const user = new SocketUser(hooks);
      this.users.push(user);
      return user;
    };
    this.listener = new Listener(
      {
        address: { host: "127.0.0.1", port: 0 },
        tls: null,
        config: DEFAULT_CONNECTION_CONFIG,
        maxConnections: Number.POSITIVE_INFINITY,
        idleTimeoutMs: 0,
        count: this.count,
        ...options,
      },
      {
        onConnection,
        onRefused: (remote, why, reason) => {
          this.refused.push(reason);
          this.refusedWhom.push(`${why} ${remote}`);
        },
      },
      this.loop,
    );
    leftovers.push(() => this.listener.stop());
  }

  async listen(): Promise<this> {
    this.address = await this.listener.listen();
    // Nothing happens before time zero is over; zero stands for "never" here and there.
    this.clock.advance(1_000);
    return this;
  }

  /** A raw peer, connected. */
  async dial(): Promise<RawPeer> {
    const peer = new RawPeer(socketTo(this.address), false);
    await peer.connected();
    return peer;
  }

  /** Ends the test: everything is closed, and no timer is left. */
  async close(): Promise<void> {
    this.listener.stop();
    for (const { socket } of this.listener.connections) socket.destroy();
    await until(() => this.listener.connections.size === 0, "all connections closed");
    assert.equal(this.count.value, 0, "no connection is counted any more");
    assert.equal(this.clock.pendingCount, 0, "no timer is left");
  }
}

function socketTo(address: string): Socket {
  if (address.startsWith("unix:")) return connect(address.slice(5));
  const { hostname, port } = new URL(`tcp://${address}`);
  return connect(Number(port), hostname.replace(/[[\]]/g, ""));
}

/** The other end of a socket, in frames. */
export class RawPeer {
  readonly socket: Socket;
  readonly reader: FrameReader;
  /** All that came, as bytes. */
  readonly chunks: Buffer[] = [];
  isEnded = false;
  isClosed = false;
  #isFrames = true;

  constructor(socket: Socket, isServer: boolean) {
    this.socket = socket;
    this.reader = new FrameReader(isServer);
    leftovers.push(() => socket.destroy());
    socket.on("data", (bytes: Buffer) => {
      this.chunks.push(bytes);
      if (this.#isFrames) this.reader.push(bytes);
    });
    socket.on("end", () => {
      this.isEnded = true;
    });
    socket.on("close", () => {
      this.isClosed = true;
    });
    socket.on("error", () => {});
  }

  /** What comes is text: an HTTP/1 answer. */
  get text(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }

  speaksHttp1(): this {
    this.#isFrames = false;
    return this;
  }

  connected(): Promise<void> {
    return until(() => !this.socket.connecting, "connected");
  }

  send(...parts: readonly Uint8Array[]): this {
    this.socket.write(Buffer.concat(parts));
    return this;
  }

  /** Waits until a line begins with `start`; returns it. All lines stay in `reader.lines`. */
  async line(start: string): Promise<string> {
    const found = () => this.reader.lines.find((line) => line.startsWith(start));
    await until(() => found() !== undefined, start);
    return found()!;
  }

  closed(): Promise<void> {
    return until(() => this.isClosed, "the socket is closed");
  }
}

/** A plain TCP server for tests of clients. */
export class RawServer {
  readonly peers: RawPeer[] = [];
  readonly #server: Server;
  address = "";

  /** @param isHttp1 whether what comes is text, as for `RawPeer.speaksHttp1`. */
  constructor(isHttp1 = false) {
    this.#server = createServer((socket) => {
      const peer = new RawPeer(socket, true);
      this.peers.push(isHttp1 ? peer.speaksHttp1() : peer);
    });
    leftovers.push(() => this.#server.close());
  }

  async listen(path?: string): Promise<this> {
    await new Promise<void>((resolve) => {
      if (path === undefined) this.#server.listen(0, "127.0.0.1", resolve);
      else this.#server.listen(path, resolve);
    });
    const bound = this.#server.address();
    this.address =
      typeof bound === "string" ? `unix:${bound}` : `127.0.0.1:${(bound as { port: number }).port}`;
    return this;
  }

  async accepted(): Promise<RawPeer> {
    await until(() => this.peers.length > 0, "a connection is accepted");
    return this.peers.at(-1)!;
  }

  async close(): Promise<void> {
    for (const { socket } of this.peers) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
