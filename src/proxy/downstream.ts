/**
 * One client connection as the proxy hears of it: requests, and its end.
 *
 * Not its rate or its age: `nesting/downstreams.ts` has those.
 */
import type { ConnectionFailure, HeaderList, Stream, StreamEvents } from "../http2/index.ts";
import type { ConnectionUser, SocketConnection } from "../transport/index.ts";
import type { DownstreamConnection } from "./nesting/index.ts";

/** What a client connection tells the proxy. */
export interface DownstreamOwner {
  /** The connection is there; returns what is kept of it. */
  track(connection: SocketConnection, remote: string): DownstreamConnection;
  /** HTTP/2 has ended. */
  onDownstreamClosed(remote: string, failure: ConnectionFailure): void;
  /** The socket is closed. */
  onDownstreamGone(tracked: DownstreamConnection): void;
}

/** Who starts the calls of a connection. */
export interface CallStarter {
  /** A request. */
  start(from: Downstream, stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents;
}

/** See the head of this file. */
export class Downstream implements ConnectionUser {
  readonly #proxy: DownstreamOwner;
  readonly #calls: CallStarter;
  readonly #remote: string;
  #tracked: DownstreamConnection | null = null;

  constructor(proxy: DownstreamOwner, calls: CallStarter, remote: string) {
    this.#proxy = proxy;
    this.#calls = calls;
    this.#remote = remote;
  }

  onAccepted(connection: SocketConnection): void {
    const tracked = this.#proxy.track(connection, this.#remote);
    this.#tracked = tracked;
    connection.socket.once("close", () => this.#proxy.onDownstreamGone(tracked));
  }

  onReady(): void {}

  onCapacity(): void {}

  onGoAway(): void {}

  onStream(stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents {
    this.#tracked!.calls += 1;
    return this.#calls.start(this, stream, list, isEnd);
  }

  onClosed(failure: ConnectionFailure): void {
    this.#proxy.onDownstreamClosed(this.#remote, failure);
  }
}
