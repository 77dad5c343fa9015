/**
 * What a mesh configuration says, made of xDS resources that are all known. Of one configuration
 * after the other: what says the same is the same object, and costs a comparison.
 */
import { createHash } from "node:crypto";
import type { ClusterResource, Resolver } from "../../discovery/index.ts";
import type { RouteTable } from "../../routes/index.ts";
import type { PemPair } from "../../xds/index.ts";
import type { ChainTls, ClusterSpec, FilterChain, ListenerSpec } from "../config.ts";
import type { Certificates } from "./certificates.ts";
import type { ChainResource, ListenerResource, TableSource } from "./listener.ts";
import { plaintextTable } from "./plaintext-table.ts";
import { CertificateError } from "./provider-files.ts";

/** Null when the table does not exist. */
export type TableOf = (source: TableSource) => RouteTable | null;

/** What calls of a chain are routed by. Those of a channel, without an address, need no TLS. */
function tableFor(
  { routes, tls }: ChainResource,
  { address }: ListenerResource,
  tableOf: TableOf,
): RouteTable {
  const table = tableOf(routes) ?? NO_ROUTES;
  return tls === null && address !== null ? plaintextTable(table) : table;
}

const NO_ROUTES: RouteTable = Object.freeze({ hosts: [] });

/** A listener, and the resource that it was made of. */
interface MadeListener {
  readonly resource: ListenerResource;
  readonly spec: ListenerSpec;
}

/** Listeners of one source. */
export class ListenerSpecs {
  readonly #certificates: Certificates;
  #made: ReadonlyMap<string, MadeListener> = new Map();

  constructor(certificates: Certificates) {
    this.#certificates = certificates;
  }

  /** Those of a configuration; without chains that certificates cannot be had for. */
  all(resources: Iterable<ListenerResource>, tableOf: TableOf, problems: string[]): ListenerSpec[] {
    const made = new Map<string, MadeListener>();
    const specs: ListenerSpec[] = [];
    for (const resource of resources) {
      const known = this.#made.get(resource.name);
      const next = this.#next(resource, known, tableOf, problems);
      if (next.spec.chains.length === 0) continue;
      made.set(resource.name, next);
      specs.push(next.spec);
    }
    this.#made = made;
    return specs;
  }

  #next(
    resource: ListenerResource,
    known: MadeListener | undefined,
    tableOf: TableOf,
    problems: string[],
  ): MadeListener {
    if (known?.resource === resource && isCurrent(known, tableOf)) return known;
    const { name, address } = resource;
    const before = known?.spec;
    const chains: FilterChain[] = [];
    for (const chain of resource.chains) {
      const last = before?.chains[chains.length];
      const table = tableFor(chain, resource, tableOf);
      const found = tried(problems, () => chainOf(chain, table, this.#certificates, last));
      if (found !== null) chains.push(found);
    }
    const isSame =
      before !== undefined &&
      before.address?.host === address?.host &&
      before.address?.port === address?.port &&
      before.chains.length === chains.length &&
      before.chains.every((chain, i) => chain === chains[i]);
    return { resource, spec: isSame ? before : { name, address, chains } };
  }
}

/** Whether it has no certificates, which may change by themselves, and the same tables still. */
function isCurrent({ resource, spec }: MadeListener, tableOf: TableOf): boolean {
  for (let i = 0; i < resource.chains.length; i += 1) {
    const chain = resource.chains[i]!;
    if (chain.tls !== null) return false;
    if (spec.chains[i]?.table !== tableFor(chain, resource, tableOf)) return false;
  }
  return true;
}

/** @param known taken when it says the same. @throws CertificateError */
function chainOf(
  chain: ChainResource,
  table: RouteTable,
  certificates: Certificates,
  known: FilterChain | undefined,
): FilterChain {
  const { serverNames } = chain;
  const tls = chainTlsOf(chain, certificates);
  const isSame =
    known?.table === table &&
    isSameList(known.serverNames, serverNames, (a, b) => a === b) &&
    isSameTls(known.tls, tls);
  return isSame ? known : { serverNames, tls, table };
}

/** @throws CertificateError */
function chainTlsOf({ tls }: ChainResource, certificates: Certificates): ChainTls | null {
  if (tls === null) return null;
  const ca = tls.wantsClientCertificate && tls.ca !== null ? certificates.caOf(tls.ca) : null;
  return { certificates: tls.certificates.map((each) => certificates.pairOf(each)), clientCa: ca };
}

function isSameTls(a: ChainTls | null, b: ChainTls | null): boolean {
  if (a === null || b === null) return a === b;
  return a.clientCa === b.clientCa && isSameList(a.certificates, b.certificates, isSamePair);
}

function isSamePair(a: PemPair | null, b: PemPair | null): boolean {
  return a?.cert === b?.cert && a?.key === b?.key;
}

function isSameList<T>(a: readonly T[], b: readonly T[], isSame: (a: T, b: T) => boolean): boolean {
  return a.length === b.length && a.every((each, i) => isSame(each, b[i]!));
}

/** Clusters of one source. */
export class ClusterSpecs {
  readonly #scope: string;
  readonly #certificates: Certificates;
  readonly #newResolver: (name: string) => Resolver;
  #made: ReadonlyMap<string, ClusterSpec> = new Map();

  /**
   * @param scope tells clusters of one source from those of another.
   * @param newResolver by a cluster's name.
   */
  constructor(scope: string, certificates: Certificates, newResolver: (name: string) => Resolver) {
    this.#scope = scope;
    this.#certificates = certificates;
    this.#newResolver = newResolver;
  }

  /** Those of a configuration, by name; without those that certificates cannot be had for. */
  all(resources: Iterable<ClusterResource>, problems: string[]): ReadonlyMap<string, ClusterSpec> {
    const specs = new Map<string, ClusterSpec>();
    for (const resource of resources) {
      if (resource.discovery.kind === "original-dst") continue;
      const spec = tried(problems, () => this.#specOf(resource));
      if (spec !== null) specs.set(resource.name, spec);
    }
    this.#made = specs;
    return specs;
  }

  /** @throws CertificateError */
  #specOf(resource: ClusterResource): ClusterSpec {
    const { name } = resource;
    const tls = clusterTlsOf(resource, this.#certificates);
    const made = this.#made.get(name);
    if (made !== undefined && isSameClusterTls(made.tls, tls)) return made;
    const secret = tls === null ? "" : digestOf(JSON.stringify(tls));
    const key = JSON.stringify([this.#scope, name, secret]);
    const newResolver = (): Resolver => this.#newResolver(name);
    return { name, key, newResolver, serviceConfig: null, tls };
  }
}

/** @throws CertificateError */
function clusterTlsOf(
  { tls: context }: ClusterResource,
  certificates: Certificates,
): ClusterSpec["tls"] {
  if (context === null) return null;
  const own = context.certificates[0];
  return {
    ca: context.ca === null ? null : certificates.caOf(context.ca),
    certificate: own === undefined ? null : certificates.pairOf(own),
    serverName: context.serverName,
  };
}

function isSameClusterTls(a: ClusterSpec["tls"], b: ClusterSpec["tls"]): boolean {
  if (a === null || b === null) return a === b;
  const isNamed = a.serverName === b.serverName;
  return isNamed && a.ca === b.ca && isSamePair(a.certificate, b.certificate);
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function tried<T>(problems: string[], make: () => T): T | null {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    problems.push(error.message);
    return null;
  }
}
