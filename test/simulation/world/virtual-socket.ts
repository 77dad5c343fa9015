/**
 * Two ends of a TCP connection whose bytes travel in virtual time.
 *
 * As far as `transport` can tell, a socket of Node's: data, FIN, reset, and an end that is gone
 * without a word. Not modelled: segments, loss and congestion; the kernel takes all that is written
 * at once, so back-pressure comes from HTTP/2's windows alone.
 */

import type { VirtualClock } from "../../../src/base/index.ts";
import { assert } from "../../../src/base/index.ts";
import type { ByteSocket } from "../../../src/transport/index.ts";

/** What both ends share. */
export class Line {
  readonly clock: VirtualClock;
  /** One way. */
  readonly latencyMs: number;
  /** Nothing arrives any more, either way: the peer's machine is gone. */
  isCut = false;

  constructor(clock: VirtualClock, latencyMs: number) {
    this.clock = clock;
    this.latencyMs = latencyMs;
  }
}

type Listener<A extends unknown[]> = (...args: A) => void;

/** One end. */
export class VirtualSocket implements ByteSocket {
  destroyed = false;
  readonly writableLength = 0;
  writableEnded = false;
  readonly #line: Line;
  #peer: VirtualSocket | null = null;
  #hasPeerEnded = false;
  #onData: Listener<[Buffer]> = () => {};
  #onEnd: Listener<[]> = () => {};
  #onError: Listener<[Error]> = () => {};
  #onClose: Listener<[]> = () => {};

  constructor(line: Line) {
    this.#line = line;
  }

  /** Two ends of one connection: the client's, and the server's. */
  static pair(line: Line): [VirtualSocket, VirtualSocket] {
    const [client, server] = [new VirtualSocket(line), new VirtualSocket(line)];
    client.#peer = server;
    server.#peer = client;
    return [client, server];
  }

  setNoDelay(): void {}
  cork(): void {}
  uncork(): void {}

  on(event: "data", listener: (bytes: Buffer) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "end" | "close", listener: () => void): void;
  on(event: "data" | "error" | "end" | "close", listener: Listener<never[]>): void {
    if (event === "data") this.#onData = listener as Listener<[Buffer]>;
    else if (event === "error") this.#onError = listener as Listener<[Error]>;
    else if (event === "end") this.#onEnd = listener as Listener<[]>;
    else {
      const before = this.#onClose;
      this.#onClose = () => {
        before();
        (listener as Listener<[]>)();
      };
    }
  }

  write(bytes: Uint8Array, onWritten: () => void): void {
    if (this.destroyed) return;
    assert(!this.writableEnded, "nothing is written behind the end");
    const copy = Buffer.from(bytes); // The chunk is used again as soon as this returns.
    this.#later(() => {
      if (!this.destroyed) onWritten();
      this.#peer!.#recv(copy);
    });
  }

  end(lastBytes?: string | Uint8Array): void {
    if (this.destroyed || this.writableEnded) return;
    if (lastBytes !== undefined) this.write(Buffer.from(lastBytes as string), () => {});
    this.writableEnded = true;
    this.#later(() => this.#peer!.#recvEnd());
    this.#closeWhenOver();
  }

  /** Closes this end at once; the other reads the end of the stream. */
  destroy(): void {
    if (this.destroyed) return;
    if (!this.writableEnded) this.#later(() => this.#peer!.#recvEnd());
    this.#destroy();
  }

  /** As the kernel does for a process that was killed with something unread: the other is reset. */
  reset(): void {
    if (this.destroyed) return;
    this.#later(() => this.#peer!.#recvReset());
    this.#destroy();
  }

  #destroy(): void {
    this.destroyed = true;
    this.#line.clock.setTimer(0, () => this.#onClose());
  }

  #later(fn: () => void): void {
    const line = this.#line;
    if (line.isCut) return;
    line.clock.setTimer(line.latencyMs, () => {
      if (!line.isCut) fn();
    });
  }

  #recv(bytes: Buffer): void {
    if (!this.destroyed) this.#onData(bytes);
    // A closed end answers what still comes with a reset.
    else this.#later(() => this.#peer!.#recvReset());
  }

  #recvEnd(): void {
    if (this.destroyed || this.#hasPeerEnded) return;
    this.#hasPeerEnded = true;
    this.#onEnd();
    this.end();
    this.#closeWhenOver();
  }

  #recvReset(): void {
    if (this.destroyed) return;
    this.#onError(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }));
    this.#destroy();
  }

  #closeWhenOver(): void {
    if (!this.destroyed && this.writableEnded && this.#hasPeerEnded) this.#destroy();
  }
}
