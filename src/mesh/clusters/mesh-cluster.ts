/**
 * One cluster of a mesh: what its spec says, and the `Cluster` behind it once somebody has use for
 * it. Not which clusters there are: `mesh-clusters.ts` has those.
 */
import {
  type Cluster,
  type ClusterConfig,
  type ClusterView,
  type Connectivity,
  createCluster,
  type ServiceConfig,
} from "../../cluster/index.ts";
import type { ServiceConfigResult } from "../../discovery/index.ts";
import { Registry } from "../../telemetry/index.ts";
import { PemTls, type SocketSecurity } from "../../transport/index.ts";
import type { ClusterSpec } from "../config.ts";
import type { MeshClustersDeps } from "./mesh-clusters.ts";
import { ServiceConfigInForce } from "./service-config-in-force.ts";

/** What clusters of a mesh have in common: all but what a spec says. */
export type MeshClusterSettings = Omit<ClusterConfig, "target" | "serviceConfig">;

/** See the head of this file. */
export class MeshCluster {
  /** Its figures: one that leaves and its successor would share series in one registry. */
  readonly registry = new Registry();
  readonly #deps: MeshClustersDeps;
  readonly #inForce: ServiceConfigInForce;
  readonly #secure: SocketSecurity | null;
  #spec: ClusterSpec;
  /** Of the spec, as it was last judged. */
  #said: ServiceConfigResult | null = null;
  #cluster: Cluster | null = null;

  constructor(spec: ClusterSpec, deps: MeshClustersDeps) {
    this.#spec = spec;
    this.#deps = deps;
    this.#secure = secureOf(spec, deps);
    const log = deps.settings.isSourceLogged ? deps.log : deps.quiet;
    this.#inForce = new ServiceConfigInForce(deps.serviceConfig, spec.name, log, (config) =>
      this.#cluster?.reconfigure(config),
    );
    this.#judge(spec.serviceConfig);
  }

  /** What it was made of. */
  get spec(): ClusterSpec {
    return this.#spec;
  }

  /** What holds for its calls. */
  get serviceConfig(): ServiceConfig {
    return this.#inForce.current;
  }

  /** What the service config says of methods; null when it says nothing of any. */
  get policies(): ServiceConfigInForce["policies"] {
    return this.#inForce.policies;
  }

  /** The cluster, or null while nobody has had use for it: to be looked at. */
  get current(): Cluster | null {
    return this.#cluster;
  }

  /** The cluster, for a call or to connect: begins to resolve when it had not. */
  use(): Cluster {
    return this.#cluster ?? this.#open();
  }

  #open(): Cluster {
    const { clock, rng, log, loop, wheel, settings, listener } = this.#deps;
    const { name } = this.#spec;
    const cluster = createCluster(
      {
        ...settings,
        target: name,
        serviceConfig: this.#inForce.current,
        secure: this.#secure ?? settings.secure,
      },
      {
        ...{ clock, rng, log, loop, wheel, registry: this.registry },
        resolver: this.#spec.newResolver(),
        listener: {
          onConnectivity: (state: Connectivity) => listener?.onConnectivity(this, state),
          onServiceConfig: (result) => {
            if (this.#spec.serviceConfig === null) this.#judge(result);
          },
        },
      },
    );
    this.#cluster = cluster;
    cluster.start();
    return cluster;
  }

  /** A spec with the same key: what it says of calls holds from now on, connections stay. */
  update(spec: ClusterSpec): void {
    const before = this.#spec.serviceConfig;
    this.#spec = spec;
    if (spec.serviceConfig !== before) this.#judge(spec.serviceConfig);
  }

  #judge(result: ServiceConfigResult | null): void {
    const isSame = result === this.#said || JSON.stringify(result) === JSON.stringify(this.#said);
    if (isSame) return;
    this.#said = result;
    this.#inForce.onServiceConfig(result);
  }

  /** The cluster as it stands; null while nobody has had use for it. */
  view(): ClusterView | null {
    return this.#cluster === null ? null : this.#cluster.view();
  }

  /** Ends it: calls that have an endpoint finish there, connections close behind them. */
  retire(): void {
    this.#cluster?.retire();
  }

  /** Ends it at once. */
  close(): void {
    this.#cluster?.close();
  }
}

/**
 * Its own TLS; null where the settings say it. A certificate that is none leads to plain refusal.
 */
function secureOf({ tls, name }: ClusterSpec, { log }: MeshClustersDeps): SocketSecurity | null {
  if (tls === null) return null;
  const { ca, certificate, serverName } = tls;
  const { cert = null, key = null } = certificate ?? {};
  try {
    return new PemTls({ ca, cert, key, serverName });
  } catch (error) {
    const reason = (error as Error).message;
    log.warn("cluster cannot be connected to", { target: name, reason });
    // In plaintext would be worse than not at all.
    return { connect: () => Promise.reject(new Error(reason)) };
  }
}
