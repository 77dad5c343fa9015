/**
 * The TCP connections that this process opened and that are still open, but for those to the API
 * server, which carry no calls.
 */
import diagnostics from "node:diagnostics_channel";
import type net from "node:net";
import type { Clock } from "../../base/index.ts";
import type { SocketSeen } from "../why/messages.ts";

/** Counts from its making on. */
export class OpenSockets {
  /** With the wall clock of their being connected. */
  readonly #open = new Map<net.Socket, number>();
  /** The API server's ip:port; "" when there is none. */
  apiServer = "";

  constructor(clock: Clock) {
    diagnostics.subscribe("net.client.socket", (message) => {
      const { socket } = message as { socket: net.Socket };
      socket.once("connect", () => {
        const { remoteAddress, remotePort } = socket;
        if (`${remoteAddress}:${remotePort}` !== this.apiServer) {
          this.#open.set(socket, clock.wallMs());
        }
      });
      socket.once("close", () => this.#open.delete(socket));
    });
  }

  /** How many are open. */
  get count(): number {
    return this.#open.size;
  }

  /** The oldest of them, so many at most. */
  seen(max: number): readonly SocketSeen[] {
    return [...this.#open].slice(0, max).map(([socket, sinceMs]) => ({
      local: `${socket.localAddress}:${socket.localPort}`,
      remote: `${socket.remoteAddress}:${socket.remotePort}`,
      sinceMs,
    }));
  }
}
