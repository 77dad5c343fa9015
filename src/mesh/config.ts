/**
 * What a data plane is told: listeners, how each routes, and the clusters that routes name.
 *
 * Whole and immutable: a source yields a new one for every change, in which whatever did not change
 * is the same object as before.
 */
import type { Resolver, ServiceConfigResult, XdsClientStatus } from "../discovery/index.ts";
import type { RouteTable } from "../routes/index.ts";

/** Everything at one time. Every cluster that a table names is in `clusters`, or does not exist. */
export interface MeshConfig {
  readonly listeners: readonly ListenerSpec[];
  readonly clusters: ReadonlyMap<string, ClusterSpec>;
}

/** One listener. */
export interface ListenerSpec {
  readonly name: string;
  /** Where it listens, or which original destinations it is for; null: calls of this process. */
  readonly address: { readonly host: string; readonly port: number } | null;
  /** The one whose server name fits best counts; one without names is for all others. */
  readonly chains: readonly FilterChain[];
}

/** What becomes of connections with certain server names. */
export interface FilterChain {
  /** "a.b" or "*.b", in lower case; empty: any, and plaintext. */
  readonly serverNames: readonly string[];
  /** null: plaintext. */
  readonly tls: ChainTls | null;
  readonly table: RouteTable;
}

/** PEM texts that a chain serves TLS with. Never logged, never dumped. */
export interface ChainTls {
  readonly certificates: readonly { readonly cert: string; readonly key: string }[];
  /** Clients must show a certificate of these; null: none is asked for. */
  readonly clientCa: string | null;
}

/** One cluster. */
export interface ClusterSpec {
  /** As routes and people name it: "prod/echo:50051". */
  readonly name: string;
  /** Everything that its endpoints and connections depend on: another key is another cluster. */
  readonly key: string;
  /** Not started. */
  newResolver(): Resolver;
  /** null: the resolver's, and where it says nothing the default. */
  readonly serviceConfig: ServiceConfigResult | null;
  /** TLS to its endpoints; null: plaintext. */
  readonly tls: {
    readonly ca: string | null;
    readonly certificate: { readonly cert: string; readonly key: string } | null;
    /** SNI and the name that is verified; null: the endpoint's address. */
    readonly serverName: string | null;
  } | null;
}

/** Hears of configurations. Never called after `MeshSource.close`. */
export interface MeshListener {
  onConfig(config: MeshConfig): void;
  /** The source is away or says nonsense: the last good configuration stays. One clause. */
  onError(reason: string): void;
}

/** Where configurations come from. */
export interface MeshSource {
  /** Once only. */
  start(listener: MeshListener): void;
  close(): void;
}

/** One that asks xDS servers. */
export interface XdsSource extends MeshSource {
  /** Every resource that it asked for, as it stands. May hold secrets. */
  status(): XdsClientStatus;
}
