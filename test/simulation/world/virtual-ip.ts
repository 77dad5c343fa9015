/**
 * An L4 balancer: one address, behind which each new connection lands on a replica by chance, as
 * kube-proxy does it.
 */
import type { Rng } from "../../../src/base/index.ts";
import {
  newEndpoint,
  newEndpointSet,
  type Resolver,
  type ResolverListener,
} from "../../../src/discovery/index.ts";
import type { Host, Network } from "./network.ts";
import type { Line, VirtualSocket } from "./virtual-socket.ts";

/** See the head of this file. */
export class VirtualIp<H extends Host> implements Host {
  readonly network: Network;
  readonly address: string;
  readonly isListening = true;
  readonly isSilent = false;
  readonly hosts: H[] = [];
  readonly #rng: Rng;

  constructor(network: Network, address: string) {
    this.network = network;
    this.address = address;
    this.#rng = network.world.rng(`balancer at ${address}`);
    network.set(address, this);
  }

  accept(socket: VirtualSocket, line: Line): void {
    this.hosts[this.#rng.int(this.hosts.length)]!.accept(socket, line);
  }

  /** The name of the Service resolves to this one address, for good. */
  newResolver(): Resolver {
    return {
      target: this.address,
      start: (listener: ResolverListener) =>
        listener.onEndpoints(newEndpointSet([newEndpoint(this.address, "static")])),
      resolveNow: () => {},
      close: () => {},
    };
  }
}
