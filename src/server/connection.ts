/**
 * One client connection of the gRPC server: its requests become calls of methods.
 *
 * A request that is no gRPC gets an HTTP status, as the protocol asks; one for a method that nobody
 * serves, UNIMPLEMENTED. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
import type { TimerWheel } from "../base/index.ts";
import { isGrpcContentType, parseGrpcTimeout, Status, trailersOnly } from "../grpc/index.ts";
import {
  type ConnectionFailure,
  ErrorCode,
  type HeaderList,
  headerList,
  NO_EVENTS,
  type Stream,
  type StreamEvents,
} from "../http2/index.ts";
import type { ConnectionUser, SocketConnection } from "../transport/index.ts";
import { Call, type CallOwner } from "./call.ts";
import type { GrpcMethod } from "./method.ts";
import { peerNamesOf } from "./peer-names.ts";

/** What connections share. */
export interface ConnectionOwner {
  readonly wheel: TimerWheel;
  methodOf(path: string): GrpcMethod | null;
  /** A request has come, for whatever. */
  onCall(): void;
  onAccepted(connection: ServerConnection): void;
  /** HTTP/2 has ended; its socket may still be sending. */
  onEnded(connection: ServerConnection, failure: ConnectionFailure): void;
  /** The socket is closed. */
  onGone(connection: ServerConnection): void;
}

/** See the head of this file. */
export class ServerConnection implements ConnectionUser, CallOwner {
  readonly remote: string;
  readonly #owner: ConnectionOwner;
  readonly #calls = new Set<Call>();
  #connection: SocketConnection | null = null;
  /** Undefined until a call asks. */
  #peerNames: readonly string[] | null | undefined = undefined;

  constructor(owner: ConnectionOwner, remote: string) {
    this.#owner = owner;
    this.remote = remote;
  }

  get wheel(): TimerWheel {
    return this.#owner.wheel;
  }

  get peerNames(): readonly string[] | null {
    if (this.#peerNames === undefined) this.#peerNames = peerNamesOf(this.#connection!.socket);
    return this.#peerNames;
  }

  /** Calls in flight. */
  get callCount(): number {
    return this.#calls.size;
  }

  get unreadBytes(): number {
    let sum = 0;
    for (const call of this.#calls) sum += call.queuedBytes;
    return sum;
  }

  /** Takes no new calls; closes when those in flight have ended. RFC 9113 §6.8. */
  drain(reason: string): void {
    this.#connection?.drain(reason);
  }

  /** Ends every call, then the connection. */
  cut(status: Status, reason: string): void {
    for (const call of [...this.#calls]) call.cut(status, reason);
    this.#connection?.close(ErrorCode.NO_ERROR, reason);
  }

  // CallOwner

  onCallOver(call: Call): void {
    this.#calls.delete(call);
  }

  // ConnectionUser

  onAccepted(connection: SocketConnection): void {
    this.#connection = connection;
    connection.socket.once("close", () => this.#owner.onGone(this));
    this.#owner.onAccepted(this);
  }

  onStream(stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents {
    this.#owner.onCall();
    if (!this.#isGrpc(stream, list)) return NO_EVENTS;
    const path = list.path?.value ?? "";
    const method = this.#owner.methodOf(path);
    if (list.isTooLarge) {
      return refuse(stream, Status.RESOURCE_EXHAUSTED, "the header list is too large");
    }
    if (method === null) {
      return refuse(stream, Status.UNIMPLEMENTED, `there is no method ${path} here`);
    }
    const call = new Call(this, stream, list, method.messageBytesMax);
    this.#calls.add(call);
    const timeoutMs = list.grpcTimeout === null ? NaN : parseGrpcTimeout(list.grpcTimeout.value);
    if (timeoutMs >= 0) call.setDeadline(stream.openedMs + timeoutMs);
    call.start(method, isEnd);
    return call;
  }

  /** "If Content-Type does not begin with "application/grpc", gRPC servers SHOULD respond 415". */
  #isGrpc(stream: Stream, list: HeaderList): boolean {
    const isPost = list.method?.value === "POST";
    if (isPost && isGrpcContentType(list.contentType?.value)) return true;
    stream.sendHeaders(headerList([[":status", isPost ? "415" : "405"]]), true);
    if (!stream.isRemoteEnded) stream.resetAfterQueue(ErrorCode.NO_ERROR);
    return false;
  }

  onReady(): void {}

  onCapacity(): void {}

  onGoAway(): void {}

  onClosed(failure: ConnectionFailure): void {
    this.#owner.onEnded(this, failure);
  }
}

function refuse(stream: Stream, status: Status, reason: string): StreamEvents {
  stream.sendHeaders(headerList(trailersOnly(status, reason)), true);
  if (!stream.isRemoteEnded) stream.resetAfterQueue(ErrorCode.NO_ERROR);
  return NO_EVENTS;
}
