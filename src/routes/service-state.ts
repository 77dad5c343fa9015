/**
 * One Service while routes attach to it (GAMMA: a GRPCRoute whose parent is a Service), and what
 * its ports come to then. GEP-1324, GEP-1294.
 *
 * A route of the Service's own namespace (producer) counts for all callers; one of another
 * (consumer) for callers of that other namespace, who then get no producer's. A port with a route
 * has no default: a call that matches none is refused. Hostnames of a route are not looked at:
 * callers come by the Service's name or address.
 */
import type { ParentRef, Service, ServicePort } from "../discovery/index.ts";
import { clusterNameOf } from "./cluster-names.ts";
import type { Fault } from "./conditions.ts";
import type { Memo } from "./memo.ts";
import { inOrder } from "./precedence.ts";
import { keyOf } from "./route-objects.ts";
import type { CompiledRoute } from "./rules.ts";
import type { RouteTable } from "./table.ts";

/** How calls to one port of a Service go. */
export interface ServicePortRoutes {
  readonly port: ServicePort;
  /** "namespace/service:port". */
  readonly cluster: string;
  /** Of callers in all namespaces that are not in `consumers`. */
  readonly table: RouteTable;
  /** By namespace of the caller. */
  readonly consumers: ReadonlyMap<string, RouteTable>;
  /** False: nothing but the way to `cluster`. */
  readonly hasRoutes: boolean;
}

/** How calls to a Service go. */
export interface ServiceRoutes {
  readonly service: Service;
  /** Of TCP, in the order of the Service. */
  readonly ports: readonly ServicePortRoutes[];
}

/** See the head of this file. */
export class ServiceState {
  readonly key: string;
  readonly service: Service;
  /** By port, then by namespace of the route. */
  readonly #routes = new Map<number, Map<string, Map<string, CompiledRoute>>>();

  constructor(service: Service) {
    this.key = keyOf(service.metadata);
    this.service = service;
  }

  /** Whether a route has attached. */
  get hasRoutes(): boolean {
    return this.#routes.size > 0;
  }

  /** Attaches a route. @returns why it may not be accepted, or null. */
  attach(ref: ParentRef, compiled: CompiledRoute): Fault | null {
    const reason = "NoMatchingParent";
    if (this.service.type === "ExternalName") {
      const message = `Service ${this.key} is of type ExternalName, which has no routes`;
      return { reason, message };
    }
    const ports = this.service.ports.filter(({ name, port, protocol }) => {
      const isNamed = ref.sectionName === null || ref.sectionName === name;
      return protocol === "TCP" && isNamed && (ref.port === null || ref.port === port);
    });
    if (ports.length === 0) {
      const message = `Service ${this.key} has no TCP port ${ref.port ?? ref.sectionName ?? ""}`;
      return { reason, message: message.trimEnd() };
    }
    const { namespace } = compiled.object.metadata;
    for (const { port } of ports) {
      const byNamespace = entryOf(this.#routes, port, () => new Map());
      entryOf(byNamespace, namespace, () => new Map()).set(compiled.key, compiled);
    }
    return null;
  }

  /** What its ports come to, once all routes have attached. */
  finish(memo: Memo): ServiceRoutes {
    const ports = this.service.ports.filter(({ protocol }) => protocol === "TCP");
    const made = ports.map((port) => this.#port(port, memo));
    const { service } = this;
    return memo.get(`service ${this.key}`, [service, ...made], () => ({ service, ports: made }));
  }

  #port(port: ServicePort, memo: Memo): ServicePortRoutes {
    const cluster = clusterNameOf(this.key, port.port);
    const own = this.service.metadata.namespace;
    const byNamespace = this.#routes.get(port.port);
    const namespaces = byNamespace === undefined ? [] : [...byNamespace.keys()].sort();
    const routesOf = (namespace: string): readonly CompiledRoute[] =>
      [...(byNamespace?.get(namespace)?.values() ?? [])].sort((a, b) => (a.key < b.key ? -1 : 1));
    const tableOf = (namespace: string): RouteTable => {
      const routes = routesOf(namespace);
      const key = `table ${cluster} ${namespace}`;
      if (routes.length === 0) return memo.get(key, [], () => defaultTable(cluster));
      return memo.get(key, routes, () => tableFor(cluster, routes));
    };
    const table = tableOf(own);
    const consumers = namespaces.filter((namespace) => namespace !== own);
    const tables = consumers.map(tableOf);
    return memo.get(`port ${cluster}`, [port, table, ...consumers, ...tables], () => ({
      port,
      cluster,
      table,
      consumers: new Map(consumers.map((namespace, i) => [namespace, tables[i]])),
      hasRoutes: namespaces.length > 0,
    }));
  }
}

/** Everything to one cluster. */
export function defaultTable(cluster: string): RouteTable {
  const target = { cluster, weight: 1, request: null, response: null };
  const path = { kind: "prefix", value: "", ignoresCase: false } as const;
  const route = {
    name: `Service ${cluster}`,
    match: { path, headers: [], perMillion: null },
    action: {
      kind: "forward",
      clusters: [target],
      request: null,
      response: null,
      mirrors: [],
      timeoutMs: null,
      retryPolicy: null,
      hashHeader: null,
    },
  } as const;
  return { hosts: [{ name: `Service ${cluster}`, domains: ["*"], routes: [route] }] };
}

function tableFor(cluster: string, routes: readonly CompiledRoute[]): RouteTable {
  const ordered = inOrder(routes.map((compiled) => ({ compiled, hostname: "" })));
  return { hosts: [{ name: `Service ${cluster}`, domains: ["*"], routes: ordered }] };
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
