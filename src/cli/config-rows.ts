/**
 * What a proxy believes, as rows: endpoints, clusters, routes and listeners in one form, whether
 * fairlead or Envoy was asked. Filters and tables of `fairlead proxy-config`. Pure functions.
 */
import { visibleLines } from "../base/index.ts";
import { renderTable } from "../proxy/index.ts";

/** What can be asked for, as the subcommands are called. */
export type ConfigKind = "endpoints" | "clusters" | "routes" | "listeners";

/** An endpoint that a proxy knows. Keys are added, never renamed or dropped; so in all rows. */
export interface EndpointConfig {
  readonly cluster: string;
  /** "ip:port", or the path of a socket. */
  readonly address: string;
  /** Of fairlead the state ("READY"), of Envoy the health ("HEALTHY", "DRAINING"). */
  readonly status: string;
  /** Why it is not used; null when nothing is wrong. */
  readonly reason: string | null;
  readonly zone: string | null;
  readonly weight: number | null;
  /** Figures; null where a configuration was read, which has none. */
  readonly connections: number | null;
  readonly activeCalls: number | null;
  readonly calls: number | null;
  readonly failures: number | null;
}

/** A cluster that a proxy knows. */
export interface ClusterConfigRow {
  readonly name: string;
  /** "EDS", "STATIC", "STRICT_DNS"; of fairlead the scheme of its target. */
  readonly type: string;
  readonly policy: string;
  /** "ACTIVE", "WARMING", "STALE", "FAILED". */
  readonly status: string;
  /** How many endpoints; null when it was not told. */
  readonly endpoints: number | null;
  readonly tls: boolean | null;
  readonly version: string | null;
  /** Why a newer one was refused, or why it is stale or empty. */
  readonly reason: string | null;
}

/** One match and where it leads. */
export interface RouteConfigRow {
  /** The table it is in: the name of the route configuration, or the listener's. */
  readonly table: string;
  readonly host: string;
  readonly domains: readonly string[];
  /** In words: "path /a.B/C, header h = 1". */
  readonly match: string;
  /** In words: "prod/echo:50051 75%, prod/canary:50051 25%". */
  readonly action: string;
  /** Those that calls may go to, mirrors included. */
  readonly clusters: readonly string[];
}

/** A listener, or one of its filter chains when these differ. */
export interface ListenerConfigRow {
  readonly name: string;
  /** "ip:port"; null: it has no address of its own (gRPC clients). */
  readonly address: string | null;
  /** What its configuration names, where fairlead is told of another place; null: the same. */
  readonly wanted: string | null;
  /** Server names of the chain; empty: any. */
  readonly serverNames: readonly string[];
  readonly tls: boolean;
  /** The route table it uses, or in words what else it does. */
  readonly routes: string;
  readonly status: string;
  readonly reason: string | null;
}

/** Rows of each kind. */
export interface ConfigRows {
  readonly endpoints: EndpointConfig;
  readonly clusters: ClusterConfigRow;
  readonly routes: RouteConfigRow;
  readonly listeners: ListenerConfigRow;
}

/** Which rows are wanted; what is left out admits all. */
export interface ConfigFilter {
  /** The host of an address. */
  readonly address?: string;
  readonly port?: number;
  /** A cluster's whole name, or a part of it. */
  readonly cluster?: string;
  /** In any case. */
  readonly status?: string;
}

/** Whether a row passes. */
export function passes(row: ConfigRows[ConfigKind], filter: ConfigFilter): boolean {
  const { address, port, cluster, status } = filter;
  const addresses = ["address" in row ? row.address : null, "wanted" in row ? row.wanted : null];
  const own = addresses.filter((each) => each !== null).map(splitAddress);
  if (address !== undefined && !own.some(({ host }) => host === address)) return false;
  if (port !== undefined && !own.some((each) => each.port === port)) return false;
  if (cluster !== undefined && !clustersOf(row).some((name) => name.includes(cluster))) {
    return false;
  }
  if (status === undefined) return true;
  const word = status.toLowerCase();
  return "status" in row && (SYNONYMS[word] ?? [word]).includes(row.status.toLowerCase());
}

/** One proxy says READY where the other says HEALTHY. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  healthy: ["healthy", "ready"],
  ready: ["healthy", "ready"],
};

/** Every word that a row may have as its status, in lower case. */
export const STATUSES: { readonly [K in ConfigKind]: readonly string[] } = {
  endpoints: [
    ...["healthy", "ready", "unhealthy", "draining", "timeout", "degraded", "unknown"],
    ...["idle", "connecting", "transient_failure", "ejected"],
  ],
  clusters: ["active", "warming", "stale", "failed"],
  routes: [],
  listeners: ["active", "warming", "draining", "not bound", "failed"],
};

function clustersOf(row: ConfigRows[ConfigKind]): readonly string[] {
  if ("clusters" in row) return row.clusters;
  if ("cluster" in row) return [row.cluster];
  return "policy" in row ? [row.name] : [];
}

function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, Math.max(0, colon)).replace(/^\[(.*)\]$/, "$1");
  return { host, port: Number(address.slice(colon + 1)) };
}

/** How rows of a kind are shown: the columns, and a row's cells. */
interface Shape<Row> {
  readonly headers: readonly string[];
  cells(row: Row): string[];
}

const RIGHT = new Set(["WEIGHT", "CONNECTIONS", "ACTIVE", "CALLS", "FAILURES", "ENDPOINTS"]);

const SHAPES: { readonly [K in ConfigKind]: Shape<ConfigRows[K]> } = {
  endpoints: {
    headers: ["ADDRESS", "STATUS", "ZONE", "WEIGHT", "CONNECTIONS", "ACTIVE", "CALLS", "FAILURES"]
      // The longest last, so that the figures stay together.
      .concat("CLUSTER", "REASON"),
    cells: (row) => [
      row.address,
      row.status,
      row.zone ?? "-",
      figure(row.weight),
      figure(row.connections),
      figure(row.activeCalls),
      figure(row.calls),
      figure(row.failures),
      row.cluster,
      row.reason ?? "-",
    ],
  },
  clusters: {
    headers: ["CLUSTER", "TYPE", "POLICY", "STATUS", "ENDPOINTS", "TLS", "VERSION", "REASON"],
    cells: (row) => [
      row.name,
      row.type,
      row.policy,
      row.status,
      figure(row.endpoints),
      row.tls === null ? "-" : yesNo(row.tls),
      row.version ?? "-",
      row.reason ?? "-",
    ],
  },
  routes: {
    headers: ["TABLE", "HOST", "DOMAINS", "MATCH", "ACTION"],
    cells: (row) => [row.table, row.host, row.domains.join(","), row.match, row.action],
  },
  listeners: {
    headers: ["LISTENER", "ADDRESS", "SERVER NAMES", "TLS", "ROUTES", "STATUS", "REASON"],
    cells: (row) => [
      row.name,
      row.address ?? "-",
      row.serverNames.length === 0 ? "-" : row.serverNames.join(","),
      yesNo(row.tls),
      row.routes,
      row.status,
      row.reason ?? "-",
    ],
  },
};

/** The table, or one line that says that there is none. */
export function renderConfig<K extends ConfigKind>(
  kind: K,
  rows: readonly ConfigRows[K][],
  all: number,
): string {
  if (rows.length === 0) {
    const why = all === 0 ? `it has no ${kind}` : `none of its ${all} ${kind} passes the filters`;
    return visibleLines([why]);
  }
  const { headers, cells } = SHAPES[kind] as Shape<ConfigRows[K]>;
  return visibleLines(renderTable(headers, RIGHT, rows.map(cells)));
}

function figure(value: number | null): string {
  return value === null ? "-" : String(value);
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}
