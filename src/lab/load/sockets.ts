/**
 * The TCP connections that this process opened and that are still open, but for those to the API
 * server, which carry no calls.
 */
import diagnostics from "node:diagnostics_channel";
import type net from "node:net";

/** Counts from its making on. */
export class OpenSockets {
  readonly #open = new Set<net.Socket>();
  /** The API server's ip:port; "" when there is none. */
  apiServer = "";

  constructor() {
    diagnostics.subscribe("net.client.socket", (message) => {
      const { socket } = message as { socket: net.Socket };
      socket.once("connect", () => {
        const { remoteAddress, remotePort } = socket;
        if (`${remoteAddress}:${remotePort}` !== this.apiServer) this.#open.add(socket);
      });
      socket.once("close", () => this.#open.delete(socket));
    });
  }

  /** How many are open. */
  get count(): number {
    return this.#open.size;
  }
}
