/**
 * All of one generation: Services, what routes come to, certificates. Immutable, and shares with
 * the generation before whatever did not change.
 */
import type { Place, Secret, ServicePort } from "../../discovery/index.ts";
import {
  clusterNameOf,
  clusterNamesOf,
  parseClusterName,
  type RouteTable,
} from "../../routes/index.ts";
import type { ObjectKey } from "../objects/state.ts";
import type { NodeKind, Resource } from "../resources.ts";
import type { Audience } from "./endpoints.ts";
import { type RoutePlan, tablesOf } from "./plan.ts";
import { routesResource } from "./route-configs.ts";
import type { Sensitivity, ServiceEntry } from "./service-entry.ts";
import type { Settings } from "./settings.ts";

/** One gRPC port of a Service. */
export interface GrpcPort {
  readonly entry: ServiceEntry;
  readonly port: ServicePort;
  /** Of the port's cluster. */
  readonly name: string;
}

/** An encoded route table, and what it was made of. */
interface EncodedRoutes {
  readonly table: RouteTable;
  readonly clusters: readonly string[];
  readonly settings: readonly (Settings | null)[];
  readonly resource: Resource;
}

/** Route tables that were encoded, by kind and name; all generations share one. */
export type RoutesCache = Map<string, EncodedRoutes>;

/** What a generation is made of. */
export interface GenerationParts {
  readonly number: number;
  readonly services: ReadonlyMap<ObjectKey, ServiceEntry>;
  readonly plan: RoutePlan;
  /** Those that a Gateway of the plan names, as far as they hold a certificate. */
  readonly secrets: ReadonlyMap<ObjectKey, Secret>;
  readonly routesCache: RoutesCache;
}

/** See the head of this file. */
export class Generation {
  readonly number: number;
  readonly services: ReadonlyMap<ObjectKey, ServiceEntry>;
  readonly plan: RoutePlan;
  readonly secrets: ReadonlyMap<ObjectKey, Secret>;
  readonly #cache: RoutesCache;
  #grpcPorts: readonly GrpcPort[] | null = null;
  #sensitivity: Sensitivity | null = null;
  #namedByServices: ReadonlySet<string> | null = null;
  #hasConsumers: boolean | null = null;
  #hasIPv6: boolean | null = null;
  readonly #encoded = new Map<string, Resource>();
  readonly #named = new Map<RouteTable, ReadonlySet<string>>();

  constructor(parts: GenerationParts) {
    this.number = parts.number;
    this.services = parts.services;
    this.plan = parts.plan;
    this.secrets = parts.secrets;
    this.#cache = parts.routesCache;
  }

  /** The gRPC ports of all Services, sorted by the names of their clusters. */
  get grpcPorts(): readonly GrpcPort[] {
    this.#grpcPorts ??= [...this.services.values()]
      .flatMap((entry) =>
        entry.grpcPorts.map((port) => ({ entry, port, name: clusterNameOf(entry.key, port.port) })),
      )
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#grpcPorts;
  }

  /** What of a place decides about anything at all. */
  get sensitivity(): Sensitivity {
    if (this.#sensitivity !== null) return this.#sensitivity;
    let found: Sensitivity = "none";
    for (const { sensitivity } of this.services.values()) {
      if (sensitivity === "node") found = "node";
      else if (sensitivity === "zone" && found === "none") found = "zone";
    }
    this.#sensitivity = found;
    return found;
  }

  /** The table of a Service's port, for callers of a namespace. */
  tableOf({ entry, name }: GrpcPort, namespace: string): RouteTable {
    const tables = this.plan.services.get(name);
    return tables?.consumers.get(namespace) ?? tables?.table ?? entry.plainTable(name);
  }

  /** The namespace, if callers of it have a table of their own; "" for all others. */
  consumerOf(cluster: string, namespace: string): string {
    return this.plan.services.get(cluster)?.consumers.has(namespace) ? namespace : "";
  }

  /** Clusters that the routes of any Service name. */
  get namedByServices(): ReadonlySet<string> {
    this.#namedByServices ??= new Set(
      [...this.plan.services.values()].flatMap((tables) =>
        tablesOf(tables).flatMap((table) => [...this.namedBy(table)]),
      ),
    );
    return this.#namedByServices;
  }

  /** Whether the namespace of a caller decides about anything at all. */
  get hasConsumers(): boolean {
    this.#hasConsumers ??= [...this.plan.services.values()].some(
      ({ consumers }) => consumers.size > 0,
    );
    return this.#hasConsumers;
  }

  /** Whether any Service, or slice of one, has an address of IPv6. */
  get hasIPv6(): boolean {
    this.#hasIPv6 ??= [...this.services.values()].some(({ hasIPv6 }) => hasIPv6);
    return this.#hasIPv6;
  }

  /** Clusters that a table names. */
  namedBy(table: RouteTable): ReadonlySet<string> {
    const known = this.#named.get(table) ?? clusterNamesOf(table);
    this.#named.set(table, known);
    return known;
  }

  /** The Service behind a cluster's name; null when there is none with that port. */
  backendOf(cluster: string): { readonly entry: ServiceEntry; readonly port: number } | null {
    const parsed = parseClusterName(cluster);
    const entry = parsed === null ? undefined : this.services.get(parsed.service);
    return parsed !== null && entry?.hasPort(parsed.port) ? { entry, port: parsed.port } : null;
  }

  /**
   * What this generation alone decides, encoded once for all who ask.
   *
   * @param key one of those that the objects lead to: nodes must not be able to invent more.
   */
  encoded(key: string, make: () => Resource): Resource {
    const known = this.#encoded.get(key) ?? make();
    this.#encoded.set(key, known);
    return known;
  }

  /**
   * A route table as a resource of that name.
   *
   * @param namespace of the caller, where that decides which table it is; "" otherwise.
   */
  routes(name: string, table: RouteTable, kind: NodeKind, namespace = ""): Resource {
    const settingsOf = (cluster: string): Settings | null =>
      this.backendOf(cluster)?.entry.settings ?? null;
    const key = `${kind} ${namespace} ${name}`;
    const known = this.#cache.get(key);
    const isGood =
      known?.table === table &&
      known.clusters.every((cluster, i) => known.settings[i] === settingsOf(cluster));
    if (isGood) return known.resource;
    const resource = routesResource(name, table, settingsOf, kind);
    const clusters = [...this.namedBy(table)];
    this.#cache.set(key, { table, clusters, settings: clusters.map(settingsOf), resource });
    return resource;
  }

  /** A cluster's endpoints; null when there is no such Service. */
  assignment(cluster: string, audience: Audience, place: Place): Resource | null {
    const backend = this.backendOf(cluster);
    return backend === null ? null : backend.entry.assignment(backend.port, audience, place);
  }
}
