/**
 * Mesh configurations from an xDS server: LDS, and what follows from it by name (RDS, CDS, SDS).
 *
 * A configuration is told when all that it names is known, or known not to exist; until then the
 * one before holds. So no configuration mixes two generations: a route comes with its clusters.
 */
import type { Logger, Timer } from "../../base/index.ts";
import type {
  ClusterResource,
  ResourceKind,
  ResourceWatch,
  XdsClient,
  XdsClientStatus,
  XdsDiscovery,
  XdsSystem,
} from "../../discovery/index.ts";
import { createResolver } from "../../discovery/index.ts";
import { clusterNamesOf, type RouteTable } from "../../routes/index.ts";
import type { MeshConfig, MeshListener, XdsSource } from "../config.ts";
import { isSameConfig } from "../same-config.ts";
import { Certificates, secretsOf } from "./certificates.ts";
import { LISTENER_KIND, type ListenerResource, type TableSource } from "./listener.ts";
import { NamedWatches } from "./named-watches.ts";
import { PROVIDER_POLL_MS } from "./provider-files.ts";
import { ROUTES_KIND } from "./route-table.ts";
import { SECRET_KIND, type SecretResource } from "./secret.ts";
import { ClusterSpecs, ListenerSpecs } from "./specs.ts";

/** Everything that a source is told. */
export interface XdsMeshDeps {
  readonly client: XdsClient;
  readonly system: XdsSystem;
  readonly xds: XdsDiscovery;
  /** CDS with a check of what it says. */
  readonly clusterKind: ResourceKind<ClusterResource>;
  /** The one that is asked for; null: all that the server has for us. */
  readonly listener: string | null;
}

let nextScope = 1;

/** See the head of this file. */
export class XdsMeshSource implements XdsSource {
  readonly #deps: XdsMeshDeps;
  readonly #log: Logger;
  readonly #tables: NamedWatches<RouteTable>;
  readonly #clusters: NamedWatches<ClusterResource>;
  readonly #secrets: NamedWatches<SecretResource>;
  readonly #certificates: Certificates;
  readonly #listenerSpecs: ListenerSpecs;
  readonly #clusterSpecs: ClusterSpecs;
  /** The tables in use, which are immutable, with the clusters that each names. */
  #named: ReadonlyMap<RouteTable, ReadonlySet<string>> = new Map();
  /** All of these together. */
  #names: ReadonlySet<string> = new Set();
  #listeners: ReadonlyMap<string, ListenerResource> | null = null;
  #listenerTrouble: string | null = null;
  #lds: ResourceWatch | null = null;
  #user: MeshListener | null = null;
  #timer: Timer | null = null;
  #poll: Timer | null = null;
  #config: MeshConfig | null = null;
  #toldTrouble: string | null = null;
  #toldNotes = "";
  #isClosed = false;

  constructor(deps: XdsMeshDeps) {
    this.#deps = deps;
    this.#log = deps.system.log;
    const { client, clusterKind } = deps;
    const onChange = () => this.#soon();
    this.#tables = new NamedWatches(client, ROUTES_KIND, onChange);
    this.#clusters = new NamedWatches(client, clusterKind, onChange);
    this.#secrets = new NamedWatches(client, SECRET_KIND, onChange);
    this.#certificates = new Certificates(client.bootstrap, this.#secrets);
    this.#listenerSpecs = new ListenerSpecs(this.#certificates);
    const newResolver = (name: string) => this.#newResolver(name);
    this.#clusterSpecs = new ClusterSpecs(`xds ${nextScope++}`, this.#certificates, newResolver);
  }

  start(listener: MeshListener): void {
    this.#user = listener;
    const { client, listener: name } = this.#deps;
    if (name === null) {
      this.#lds = client.watchAll(LISTENER_KIND, {
        onResources: (all) => this.#setListeners(all, null),
        onTrouble: (reason) => {
          this.#listenerTrouble = reason;
          this.#soon();
        },
      });
      return;
    }
    this.#lds = client.watch(LISTENER_KIND, name, {
      onResource: (value) => this.#setListeners(new Map([[name, value]]), null),
      onAbsent: (reason) => this.#setListeners(new Map(), `LDS ${name}: ${reason}`),
      onTrouble: (reason) => {
        this.#listenerTrouble = reason === null ? null : `LDS ${name}: ${reason}`;
        this.#soon();
      },
    });
  }

  status(): XdsClientStatus {
    return this.#deps.client.status();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#poll?.cancel();
    this.#lds?.close();
    for (const each of [this.#tables, this.#clusters, this.#secrets]) each.close();
    this.#deps.client.close();
  }

  #setListeners(all: ReadonlyMap<string, ListenerResource>, trouble: string | null): void {
    this.#listeners = all;
    this.#listenerTrouble = trouble;
    this.#soon();
  }

  #soon(): void {
    if (this.#isClosed) return;
    this.#timer ??= this.#deps.system.clock.setTimer(0, () => this.#settle());
  }

  /** Follows the names; tells what all of it comes to, when all of it is known. */
  #settle(): void {
    this.#timer = null;
    const isKnown = this.#follow();
    const problems: string[] = [];
    const isTold = isKnown && this.#tell(this.#build(problems));
    const trouble =
      this.#listenerTrouble ??
      problems[0] ??
      this.#tables.trouble ??
      this.#clusters.trouble ??
      this.#secrets.trouble;
    if (this.#isClosed || trouble === this.#toldTrouble) return;
    this.#toldTrouble = trouble;
    if (trouble !== null) this.#user!.onError(trouble);
    // That all is well again is told by a configuration, be it the same.
    else if (this.#config !== null && !isTold) this.#user!.onConfig(this.#config);
  }

  #follow(): boolean {
    if (this.#listeners === null) return false;
    const tables = new Set<string>();
    const secrets = new Set<string>();
    for (const { chains } of this.#listeners.values()) {
      for (const { routes, tls } of chains) {
        if (routes.kind === "rds") tables.add(routes.name);
        if (tls !== null) secretsOf(tls, secrets);
      }
    }
    const hasTables = this.#tables.want(tables);
    // While a table is awaited, the clusters of those before must stay: calls go there.
    if (!hasTables) return false;
    const names = this.#clusterNames();
    const hasClusters = this.#clusters.want(names);
    for (const name of names) {
      const tls = this.#clusters.get(name).value?.tls ?? null;
      if (tls !== null) secretsOf(tls, secrets);
    }
    return this.#secrets.want(secrets) && hasClusters;
  }

  /** Clusters that any table names; the same set while the tables are the same. */
  #clusterNames(): ReadonlySet<string> {
    const tables = new Set<RouteTable>();
    for (const { chains } of this.#listeners!.values()) {
      for (const { routes } of chains) {
        const table = this.#tableOf(routes);
        if (table !== null) tables.add(table);
      }
    }
    const before = this.#named;
    if (tables.size === before.size && [...tables].every((table) => before.has(table))) {
      return this.#names;
    }
    const [named, names] = [new Map<RouteTable, ReadonlySet<string>>(), new Set<string>()];
    for (const table of tables) {
      const own = before.get(table) ?? clusterNamesOf(table);
      named.set(table, own);
      for (const name of own) names.add(name);
    }
    this.#named = named;
    this.#names = names;
    return names;
  }

  #tableOf(source: TableSource): RouteTable | null {
    return source.kind === "inline" ? source.table : this.#tables.get(source.name).value;
  }

  #build(problems: string[]): MeshConfig {
    this.#certificates.files.readAgain();
    const tableOf = (source: TableSource) => this.#tableOf(source);
    const listeners = this.#listenerSpecs.all(this.#listeners!.values(), tableOf, problems);
    const clusters = this.#clusterSpecs.all(this.#clusterResources(), problems);
    problems.push(...this.#certificates.files.troubles);
    this.#tellNotes(this.#notes());
    this.#armPoll();
    return { listeners, clusters };
  }

  #clusterResources(): ClusterResource[] {
    const resources: ClusterResource[] = [];
    for (const name of this.#names) {
      const { value } = this.#clusters.get(name);
      if (value !== null) resources.push(value);
    }
    return resources;
  }

  #notes(): string[] {
    const notes = new Set<string>();
    for (const { name, chains, notes: own } of this.#listeners!.values()) {
      for (const note of own) notes.add(`listener ${name}: ${note}`);
      for (const { routes } of chains) {
        for (const note of this.#tableOf(routes)?.notes ?? []) {
          const of = routes.kind === "rds" ? `routes ${routes.name}` : `listener ${name}`;
          notes.add(`${of}: ${note}`);
        }
      }
    }
    return [...notes];
  }

  #newResolver(name: string) {
    const { client, system, xds, clusterKind } = this.#deps;
    return new xds.XdsClusterResolver(name, {
      ...{ client, kind: clusterKind, clock: system.clock },
      createResolver: (target) => createResolver(target, system),
    });
  }

  /** Whether it was news. */
  #tell(config: MeshConfig): boolean {
    const before = this.#config;
    if (before !== null && isSameConfig(before, config)) return false;
    this.#config = config;
    this.#user!.onConfig(config);
    return true;
  }

  #tellNotes(notes: readonly string[]): void {
    const text = notes.join("\n");
    if (text === this.#toldNotes) return;
    this.#toldNotes = text;
    if (notes.length > 0)
      this.#log.info("parts of the xDS configuration are not applied", { notes });
  }

  #armPoll(): void {
    this.#poll?.cancel();
    if (!this.#certificates.files.areUsed) return;
    this.#poll = this.#deps.system.clock.setTimer(PROVIDER_POLL_MS, () => this.#settle());
    this.#poll.unref();
  }
}
