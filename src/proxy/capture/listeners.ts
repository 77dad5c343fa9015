/**
 * The sockets that captured connections come to: for each direction one of IPv4 and, where the
 * system has it, one of IPv6.
 */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { ListenError, listenAddressText } from "../../transport/index.ts";
import type { TcpAddress } from "../config.ts";
import type { Direction } from "./capture.ts";
import type { OriginalDestinations } from "./lookup.ts";

/** Pending connections of the kernel; Linux cuts it at net.core.somaxconn. */
const BACKLOG = 4_096;
/** What a system without IPv6 says. */
const NO_IPV6 = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL", "EINVAL"]);

/** One direction. */
export interface CapturePort {
  readonly direction: Direction;
  /** IPv4 and IPv6: one port, the same direction. */
  readonly hosts: readonly [ipv4: string, ipv6: string];
  readonly port: number;
}

/** See the head of this file. */
export class CaptureListeners {
  readonly #ports: readonly CapturePort[];
  readonly #destinations: OriginalDestinations;
  readonly #onSocket: (socket: Socket, direction: Direction) => void;
  readonly #servers: Server[] = [];
  readonly #bound = new Set<number>();

  constructor(
    ports: readonly CapturePort[],
    destinations: OriginalDestinations,
    onSocket: (socket: Socket, direction: Direction) => void,
  ) {
    this.#ports = ports;
    this.#destinations = destinations;
    this.#onSocket = onSocket;
  }

  /** Ports that were bound: asked for every connection, and remembered when they close. */
  get ports(): ReadonlySet<number> {
    return this.#bound;
  }

  /** Binds all, or none: resolves with the addresses; rejects with ListenError or CaptureError. */
  async listen(): Promise<string[]> {
    try {
      const bound: string[] = [];
      for (const { direction, hosts, port } of this.#ports) {
        const ipv4 = await this.#bind(direction, { host: hosts[0], port });
        bound.push(listenAddressText(ipv4!));
        // An unused port that was left to the system is the same for both.
        const ipv6 = await this.#bind(direction, { host: hosts[1], port: ipv4!.port });
        if (ipv6 !== null) bound.push(listenAddressText(ipv6));
      }
      return bound;
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** Stops accepting. */
  stop(): void {
    for (const server of this.#servers) server.close();
  }

  async #bind(direction: Direction, address: TcpAddress): Promise<TcpAddress | null> {
    const isIPv6 = address.host.includes(":");
    // The other end's half is passed on as its own; without data there is nothing to delay.
    const options = { allowHalfOpen: true, noDelay: true };
    const server = createServer(options, (socket) => this.#onSocket(socket, direction));
    const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      server.once("error", resolve);
      server.listen({ ...address, backlog: BACKLOG, ipv6Only: isIPv6, exclusive: true }, () => {
        server.off("error", resolve);
        resolve(null);
      });
    });
    if (error !== null) {
      if (isIPv6 && NO_IPV6.has(error.code ?? "")) return null;
      throw new ListenError(address, error);
    }
    this.#servers.push(server);
    server.on("error", () => {}); // such as too many open files: the next connection is accepted
    this.#destinations.prepare(server, isIPv6);
    const { port } = server.address() as AddressInfo;
    this.#bound.add(port);
    return { host: address.host, port };
  }
}
