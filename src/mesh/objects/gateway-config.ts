/**
 * What a Gateway serves as a configuration: a listener for each of its ports, and the clusters that
 * its tables name, each the endpoints of a Service's port.
 */
import type { Resolver } from "../../discovery/index.ts";
import { clusterNamesOf, type GatewayPort, parseClusterName } from "../../routes/index.ts";
import { ANY_IPV4 } from "../../transport/index.ts";
import type { ClusterSpec, FilterChain, ListenerSpec, MeshConfig } from "../config.ts";
import { serviceCluster } from "../service-cluster.ts";

/** Makes configurations one after the other: what did not change is the same object as before. */
export class GatewayConfigs {
  readonly #newResolver: (target: string) => Resolver;
  readonly #listeners = new WeakMap<GatewayPort, ListenerSpec>();
  #clusters: ReadonlyMap<string, ClusterSpec> = new Map();

  /** @param newResolver of a target; not started. */
  constructor(newResolver: (target: string) => Resolver) {
    this.#newResolver = newResolver;
  }

  /** @param label of the Gateway: "namespace/name". */
  of(label: string, ports: readonly GatewayPort[]): MeshConfig {
    const listeners = ports.map((port) => this.#listenerOf(label, port));
    const clusters = new Map<string, ClusterSpec>();
    for (const { chains } of listeners) {
      for (const { table } of chains) {
        for (const name of clusterNamesOf(table)) {
          const spec = clusters.get(name) ?? this.#clusters.get(name) ?? this.#clusterOf(name);
          if (spec !== null) clusters.set(name, spec);
        }
      }
    }
    this.#clusters = clusters;
    return { listeners, clusters };
  }

  #listenerOf(label: string, port: GatewayPort): ListenerSpec {
    const known = this.#listeners.get(port);
    if (known !== undefined) return known;
    const made: ListenerSpec = {
      name: `${label}:${port.port}`,
      address: { host: ANY_IPV4, port: port.port },
      chains: port.chains.map(({ serverNames, certificates, table }): FilterChain => {
        const pairs = certificates.map(({ cert, key }) => ({ cert, key }));
        const tls = port.protocol === "HTTP" ? null : { certificates: pairs, clientCa: null };
        return { serverNames, tls, table };
      }),
    };
    this.#listeners.set(port, made);
    return made;
  }

  /** Null: a backend that is not there, which names itself so. */
  #clusterOf(name: string): ClusterSpec | null {
    const parsed = parseClusterName(name);
    return parsed && serviceCluster(parsed, this.#newResolver);
  }
}
