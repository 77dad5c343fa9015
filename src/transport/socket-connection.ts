/**
 * An `http2` connection on a real socket: TCP, TLS or Unix.
 *
 * It reads into the engine, writes the engine's chunks once a turn, keeps count of what the kernel
 * has not taken yet (back-pressure), and closes in order: what is written leaves, then FIN. An idle
 * one holds no buffers.
 */

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { printable } from "../base/index.ts";
import {
  type ChunkTaker,
  Connection,
  type ConnectionConfig,
  type ConnectionEvents,
  type ConnectionFailure,
  ErrorCode,
  errorCodeName,
  type HeaderList,
  type Role,
  recycleChunk,
  type Stream,
  type StreamEvents,
} from "../http2/index.ts";
import type { ByteSocket } from "./byte-socket.ts";
import { Http1Detector, isHttp1Answer } from "./http1.ts";
import { Keepalive } from "./keepalive.ts";
import { type KeepalivePace, sparingPace } from "./keepalive-pace.ts";
import type { Flushable, Ticking, TransportLoop } from "./loop.ts";
import { type ConnectHints, DEFAULT_CONNECTOR_OPTIONS } from "./options.ts";
import { PeriodicKeepalive } from "./periodic-keepalive.ts";
import type { SharedRead } from "./shared-read.ts";
import { tlsFailureReason } from "./tls/index.ts";
import { isClientHello, isTlsAlert } from "./tls-record.ts";

/** How long a failed connection may take to send its last bytes. */
const LINGER_FAILED_MS = 2_000;
/** How long the last bytes of a drained one may take: they are somebody's answer. */
const LINGER_DRAINED_MS = 30_000;

const SPEAKS_HTTP1 = "the server speaks HTTP/1 on this port, not HTTP/2";

/** The user of a connection. */
export interface SocketConnectionEvents {
  /** A new request (server role). */
  onStream(stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents;
  /** The peer's SETTINGS came: usable. */
  onReady(): void;
  /** `canOpen` may have become true. */
  onCapacity(): void;
  /** The peer will take no new streams. */
  onGoAway(reason: string): void;
  /** The connection is over; all streams were reset. Called exactly once. */
  onClosed(failure: ConnectionFailure): void;
}

/** A connection that was made, as far as those care who open streams on it. */
export interface ClientConnection {
  readonly http2: Connection;
  /** Null when its bytes do not travel through a socket of Node's. */
  readonly socket: Socket | null;
  /** See `SocketConnection`. */
  readonly callCount: number;
  /** See `SocketConnection`. */
  ownStreams: number;
  /** See `SocketConnection`. */
  drain(reason: string): void;
  /** See `SocketConnection`. */
  close(code: number, reason: string): void;
}

/** One HTTP/2 connection on one socket. */
export class SocketConnection<S extends ByteSocket = Socket>
  implements ConnectionEvents, ChunkTaker, Flushable, Ticking
{
  readonly http2: Connection;
  readonly socket: S;
  readonly #loop: TransportLoop;
  readonly #events: SocketConnectionEvents;
  readonly #hints: ConnectHints;
  readonly #keepalive: Keepalive | PeriodicKeepalive | null;
  #http1: Http1Detector | null;
  /** Chunks and lengths that the kernel does not have yet, oldest first. */
  #inFlight: Buffer[] = [];
  #inFlightLengths: number[] = [];
  /** Write callbacks still to come for chunks that the kernel took at once. */
  #callbacksToSkip = 0;
  /** Without a stream for this long the connection is drained; 0 for never. */
  idleTimeoutMs = 0;
  #idleSinceMs = 0;
  /** Of the open streams those that are no calls; who opens them counts them here. */
  ownStreams = 0;
  /** `callFrames` at the last tick: a change means that there was a call in between. */
  #framesSeen = 0;
  #hasReceived = false;
  /** The peer's SETTINGS came. */
  #isReady = false;
  #isEnding = false;
  #isDrained = false;
  #isReported = false;
  #closedMs = 0;
  #failure: ConnectionFailure | null = null;
  readonly #onWritten = (): void => this.#afterWrite();

  constructor(
    socket: S,
    role: Role,
    events: SocketConnectionEvents,
    config: ConnectionConfig,
    loop: TransportLoop,
    read: SharedRead | null = null,
    pace: KeepalivePace | null = null,
    hints: ConnectHints = DEFAULT_CONNECTOR_OPTIONS.hints,
  ) {
    this.socket = socket;
    this.#events = events;
    this.#loop = loop;
    this.#hints = hints;
    this.http2 = new Connection(role, this, config, loop.clock.nowMs());
    this.#http1 = role === "server" ? new Http1Detector() : null;
    if (role === "server" && pace === null) this.#keepalive = null;
    else if (pace === null || pace.isSparing) {
      this.#keepalive = new Keepalive(this.http2, pace ?? sparingPace());
    } else this.#keepalive = new PeriodicKeepalive(this.http2, pace);
    socket.setNoDelay(true);
    if (read === null) socket.on("data", (bytes: Buffer) => this.#recv(bytes, bytes.length));
    else read.attach((bytes, length) => this.#recv(bytes, length));
    socket.on("end", () => this.#onSocketEnd());
    socket.on("error", (error: Error) => this.#noteError(error));
    socket.on("close", () => this.#onSocketClose());
    loop.add(this);
    // A server waits with its SETTINGS until it knows that the peer does not speak HTTP/1.
    if (role === "client") this.http2.start();
  }

  /** Streams of calls: those that somebody waits for. */
  get callCount(): number {
    return this.http2.streamCount - this.ownStreams;
  }

  /** Ends in two steps: open streams finish, then the socket is closed. */
  drain(reason: string): void {
    this.#stopDetecting();
    this.http2.drain(reason);
  }

  /** Ends at once: GOAWAY with the code, every stream reset, the socket closed. */
  close(code: number, reason: string): void {
    this.#stopDetecting();
    this.http2.fail(code, reason, "library");
  }

  /** Bytes that were read of the socket before it became this connection's; once, and first. */
  recvBegun(bytes: Buffer): void {
    this.#recv(bytes, bytes.length);
  }

  /** RFC 9113 §3.4: SETTINGS are the first that a server says, also when GOAWAY follows. */
  #stopDetecting(): void {
    if (this.#http1 === null) return;
    this.#http1 = null;
    this.http2.start();
  }

  #recv(bytes: Buffer, length: number): void {
    const nowMs = this.#loop.clock.nowMs();
    if (!this.#hasReceived && this.#isOther(bytes, length)) return;
    if (this.#http1 !== null && this.#detectHttp1(bytes, length)) return;
    this.#keepalive?.onRecv(nowMs);
    this.http2.recv(bytes, 0, length, nowMs);
  }

  /** Looks at the first bytes: true when they are another protocol's; the connection ends. */
  #isOther(bytes: Buffer, length: number): boolean {
    this.#hasReceived = true;
    if (this.http2.role === "server" && isClientHello(bytes, length)) {
      this.close(ErrorCode.PROTOCOL_ERROR, "the client speaks TLS (ClientHello) on a port without");
    } else if (this.http2.role === "client" && isTlsAlert(bytes, length)) {
      const reason = `the server speaks TLS on this port: use ${this.#hints.tls}`;
      this.close(ErrorCode.PROTOCOL_ERROR, reason);
    } else if (this.http2.role === "client" && isHttp1Answer(bytes, length)) {
      this.close(ErrorCode.PROTOCOL_ERROR, SPEAKS_HTTP1);
    } else return false;
    return true;
  }

  /** True while or because the peer speaks HTTP/1. */
  #detectHttp1(bytes: Buffer, length: number): boolean {
    const detector = this.#http1!;
    const answer = detector.push(bytes, length);
    if (answer === null) {
      if (detector.isDecided) this.#stopDetecting();
      if (detector.isDecided && detector.isHeld) {
        this.close(ErrorCode.PROTOCOL_ERROR, "not the HTTP/2 client preface");
      }
      return detector.isHeld;
    }
    this.#http1 = null;
    this.#failure = {
      code: ErrorCode.HTTP_1_1_REQUIRED,
      by: "remote",
      reason: "the peer speaks HTTP/1",
    };
    this.http2.output.clear();
    this.http2.onSocketClosed(this.#failure.reason);
    this.#isEnding = true;
    this.#closedMs = this.#loop.clock.nowMs();
    this.socket.end(answer);
    return true;
  }

  /** Called by the loop at the end of a turn. */
  flush(): void {
    const { socket, http2 } = this;
    const { output } = http2;
    if (socket.destroyed || this.#failure?.code === ErrorCode.HTTP_1_1_REQUIRED) {
      output.clear();
      return;
    }
    // RFC 9113 §8.7: what the kernel has no room for stays here, so that a client's call in it is
    // provably not written, and may be sent elsewhere. `#afterWrite` goes on with it.
    if (http2.role === "client" && this.#inFlight.length > 0) return;
    const isMany = output.fullCount > 0;
    if (isMany) socket.cork();
    output.drainTo(this);
    if (isMany) socket.uncork();
    http2.onTaken();
    if (socket.writableLength === 0) this.#settleAll();
    // What just drained may have more to write, in the turn that it was scheduled for.
    if (this.#isEnding && output.isEmpty) this.#endSocket();
  }

  /** From `Output.drainTo`. */
  takeChunk(chunk: Buffer, length: number): void {
    this.#inFlight.push(chunk);
    this.#inFlightLengths.push(length);
    this.http2.output.inFlightBytes += length;
    this.socket.write(chunk.subarray(0, length), this.#onWritten);
  }

  /** The kernel has everything; the callbacks of these writes are still to come. */
  #settleAll(): void {
    const count = this.#inFlight.length;
    for (let i = 0; i < count; i++) recycleChunk(this.#inFlight[i]!);
    this.#inFlight.length = 0;
    this.#inFlightLengths.length = 0;
    this.#callbacksToSkip += count;
    this.http2.output.inFlightBytes = 0;
    this.http2.onSocketDrained();
  }

  #afterWrite(): void {
    if (this.#callbacksToSkip > 0) {
      this.#callbacksToSkip -= 1;
      return;
    }
    const chunk = this.#inFlight.shift();
    if (chunk === undefined) return;
    recycleChunk(chunk);
    this.http2.output.inFlightBytes -= this.#inFlightLengths.shift()!;
    if (this.#inFlight.length > 0) return;
    this.http2.onSocketDrained();
    if (!this.http2.output.isEmpty) this.flush();
  }

  /** Called by the loop about once a second. */
  onTick(nowMs: number): void {
    if (this.#isEnding) {
      const isAnswer = this.#isDrained && this.http2.role === "server";
      const lingerMs = isAnswer ? LINGER_DRAINED_MS : LINGER_FAILED_MS;
      if (nowMs - this.#closedMs > lingerMs) this.socket.destroy();
      return;
    }
    this.http2.onTimer(nowMs);
    this.#checkIdle(nowMs);
    this.#keepalive?.onTick(nowMs, this.callCount);
  }

  #checkIdle(nowMs: number): void {
    if (this.idleTimeoutMs === 0) return;
    const { callFrames } = this.http2;
    if (this.callCount > 0 || callFrames !== this.#framesSeen || this.#idleSinceMs === 0) {
      this.#framesSeen = callFrames;
      this.#idleSinceMs = nowMs;
    } else if (nowMs - this.#idleSinceMs >= this.idleTimeoutMs) this.drain("idle");
  }

  #onSocketEnd(): void {
    const reason = this.#endReason("the peer closed");
    this.#failure ??= { code: ErrorCode.NO_ERROR, by: "remote", reason };
    this.http2.onSocketClosed(this.#failure.reason);
    this.#finish();
  }

  #noteError(error: Error): void {
    const { code } = error as NodeJS.ErrnoException;
    let reason = error.message;
    // TLS 1.3: a server judges our certificate after the handshake has ended for us.
    if (code?.startsWith("ERR_") && this.http2.role === "client") {
      reason = tlsFailureReason(error, this.#hints.authority);
    } else if (code !== undefined) reason = this.#endReason(socketReason(code));
    this.#failure ??= { code: ErrorCode.INTERNAL_ERROR, by: "transport", reason };
  }

  /** A server that ends a connection before its SETTINGS may have waited for TLS. */
  #endReason(reason: string): string {
    if (this.#isReady || this.http2.role === "server") return reason;
    const hint = this.socket instanceof TLSSocket ? "" : `; does it want TLS (${this.#hints.tls})?`;
    return `${reason} before it spoke HTTP/2${hint}`;
  }

  #onSocketClose(): void {
    this.#loop.remove(this);
    const reason = this.#failure?.reason ?? "the connection was closed";
    this.http2.onSocketClosed(reason);
    this.http2.output.clear();
    for (const chunk of this.#inFlight) recycleChunk(chunk);
    this.#inFlight.length = 0;
    this.#inFlightLengths.length = 0;
    this.#report({ code: ErrorCode.NO_ERROR, by: "transport", reason });
  }

  #report(failure: ConnectionFailure): void {
    if (this.#isReported) return;
    this.#isReported = true;
    this.#events.onClosed(this.#failure ?? failure);
  }

  /** Closes the socket behind what is still to be written. */
  #finish(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#closedMs = this.#loop.clock.nowMs();
    if (this.http2.output.isEmpty) this.#endSocket();
  }

  #endSocket(): void {
    if (!this.socket.destroyed && !this.socket.writableEnded) this.socket.end();
  }

  // ConnectionEvents

  onStream(stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents {
    return this.#events.onStream(stream, list, isEnd);
  }

  onReady(): void {
    this.#isReady = true;
    this.#events.onReady();
  }

  onCapacity(): void {
    this.#events.onCapacity();
  }

  onGoAway(code: number, debugData: string): void {
    if (debugData === "too_many_pings") this.#keepalive?.onTooManyPings();
    const debug = debugData === "" ? "" : ` (${printable(debugData)})`;
    this.#events.onGoAway(`the peer sent GOAWAY ${errorCodeName(code)}${debug}`);
  }

  onDirty(): void {
    this.#loop.schedule(this);
  }

  onPong(): void {
    this.#keepalive?.onPong();
  }

  onDrained(): void {
    this.#isDrained = true;
    this.#failure ??= { code: ErrorCode.NO_ERROR, by: "library", reason: "drained" };
    this.http2.onSocketClosed("drained");
    this.#finish();
  }

  onFailure(failure: ConnectionFailure): void {
    this.#failure ??= failure;
    this.#finish();
    this.#report(failure);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the peer",
  EPIPE: "the peer closed",
  ETIMEDOUT: "connection timed out",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network unreachable",
  ENOENT: "no such socket file",
  EACCES: "permission denied",
};

/** A socket error code in words. */
export function socketReason(code: string): string {
  return REASONS[code] ?? code;
}
