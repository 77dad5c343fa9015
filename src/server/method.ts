/** What a gRPC method of our own is: how it is opened, told of messages, and how it answers. */
import type { Status } from "../grpc/index.ts";
import type { HeaderList } from "../http2/index.ts";

/** One method of one service. */
export interface GrpcMethod {
  /** "/package.Service/Method". */
  readonly path: string;
  /** A longer request message ends the call with RESOURCE_EXHAUSTED. */
  readonly messageBytesMax: number;
  /** A call has come. May end it at once. */
  open(call: ServerCall): ServerCallEvents;
}

/** The answering side of a call. */
export interface ServerCall {
  /** "ip:port" of the peer, or "unix". */
  readonly remote: string;
  /** The same object for all calls of one connection, and for no others. */
  readonly connection: object;
  /**
   * Subject alternative names ("URI:spiffe://...", "DNS:...") of the client's verified certificate;
   * null without one.
   */
  readonly peerNames: readonly string[] | null;
  readonly headers: HeaderList;
  /** Bytes of messages that were sent here and have not been taken by the connection yet. */
  readonly queuedBytes: number;
  /** `queuedBytes` of all calls of the connection, those that were ended and wait included. */
  readonly unreadBytes: number;
  /**
   * Sends one message, given as parts that follow each other. Parts are not copied before they are
   * written and may be shared by any number of calls: they must not be changed.
   */
  send(parts: readonly Uint8Array[]): void;
  /** Ends the call after what was sent. @param message of a status that is not OK. */
  end(status: Status, message?: string): void;
}

/** Hears of a call. */
export interface ServerCallEvents {
  /** @param message valid during this call only. */
  onMessage(message: Uint8Array): void;
  /** The client sends no more. */
  onHalfClosed(): void;
  /** `queuedBytes` is 0 again. */
  onDrained(): void;
  /** It is over, by whomever. Once, and nothing follows. */
  onClosed(): void;
}
