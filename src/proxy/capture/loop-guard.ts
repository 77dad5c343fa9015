/**
 * Finds connections of our own that come back to us, which would go around until memory ends.
 *
 * It happens when rules do not exempt this process. Such a connection has the address that we
 * connected from as its peer; which end hears of it first is up to the kernel.
 */

import type { Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { type Destination, destinationText, plainIp } from "./sockaddr.ts";

/** See the head of this file. */
export class LoopGuard {
  readonly #ownPorts: () => ReadonlySet<number>;
  readonly #accepted = new Set<string>();
  readonly #outgoing = new Set<string>();

  /** @param ownPorts those that captured connections come to. */
  constructor(ownPorts: () => ReadonlySet<number>) {
    this.#ownPorts = ownPorts;
  }

  /** Takes note of a socket that came; true when it is our own. */
  isOwn(socket: Socket): boolean {
    const remote = textOf(socket.remoteAddress, socket.remotePort);
    if (remote === null) return false;
    this.#accepted.add(remote);
    socket.once("close", () => this.#accepted.delete(remote));
    return this.#outgoing.has(remote);
  }

  /** Takes note of a socket that we connected; true when it came back to us already. */
  isBack(upstream: Socket): boolean {
    const local = textOf(upstream.localAddress, upstream.localPort);
    if (local === null) return false;
    this.#outgoing.add(local);
    upstream.once("close", () => this.#outgoing.delete(local));
    return this.#accepted.has(local);
  }

  /** Whether a destination is a port of ours: nobody was redirected from there. */
  isOurs(destination: Destination): boolean {
    if (!this.#ownPorts().has(destination.port)) return false;
    const { ip } = destination;
    if (ip === "::1" || ip.startsWith("127.")) return true;
    return Object.values(networkInterfaces()).some((addresses) =>
      addresses?.some(({ address }) => plainIp(address) === ip),
    );
  }
}

/** Null for a socket that is closed already: it has no address, and one would stand for all. */
function textOf(ip: string | undefined, port: number | undefined): string | null {
  if (ip === undefined || port === undefined) return null;
  return destinationText({ ip: plainIp(ip), port });
}
