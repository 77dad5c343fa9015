/**
 * What is served, for people and programs: listeners with their chains, and routes. Nothing in it
 * is secret: of certificates it says only that there are some.
 */
import type { ListenerSpec } from "../../mesh/index.ts";
import type { PathMatch, RouteTable } from "../../routes/index.ts";
import { listenAddressText } from "../../transport/index.ts";

/** One listener. */
export interface ListenerView {
  /** As its configuration calls it; its address where nothing does. */
  readonly name: string;
  /** "HOST:PORT" that its configuration names; null: none. */
  readonly wanted: string | null;
  /** Where clients reach it: it listens there, or what goes there is captured; null: nowhere. */
  readonly address: string | null;
  /** "listening", "captured", or why neither. */
  readonly reason: string;
  readonly connections: number;
  readonly chains: readonly ChainView[];
}

/** One filter chain of a listener. */
export interface ChainView {
  /** Empty: all that no other chain is for. */
  readonly serverNames: readonly string[];
  readonly tls: boolean;
  readonly clientCertificates: boolean;
  readonly routes: number;
}

/** One route, in the order in which it is matched. */
export interface RouteView {
  readonly listener: string;
  readonly serverNames: readonly string[];
  readonly host: string;
  readonly domains: readonly string[];
  readonly name: string;
  /** "prefix /a.B/", "exact /a.B/C", "regex ..." with headers behind it. */
  readonly match: string;
  /** Clusters and their weights; empty: the call is refused. */
  readonly clusters: readonly { readonly cluster: string; readonly weight: number }[];
  readonly mirrors: readonly string[];
  readonly timeoutMs: number | null;
  /** Why calls are refused; null: they are not. */
  readonly refusal: string | null;
}

/** A listener of a configuration, with how it stands. */
export function listenerView(
  { name, address: wanted, chains }: ListenerSpec,
  state: Pick<ListenerView, "address" | "reason" | "connections">,
): ListenerView {
  return {
    name,
    wanted: wanted && listenAddressText(wanted),
    ...state,
    chains: chains.map(({ serverNames, tls, table }) => ({
      serverNames,
      tls: tls !== null,
      clientCertificates: tls !== null && tls.clientCa !== null,
      routes: table.hosts.reduce((sum, { routes }) => sum + routes.length, 0),
    })),
  };
}

/** The routes of a table, as they are matched. */
export function routeViews(
  listener: string,
  serverNames: readonly string[],
  table: RouteTable,
): RouteView[] {
  return table.hosts.flatMap(({ name: host, domains, routes }) =>
    routes.map(({ name, match, action }) => {
      const headers = match.headers.map((header) => `${header.inverts ? "!" : ""}${header.name}`);
      const where = { listener, serverNames, host, domains, name };
      const matched = { match: [pathText(match.path), ...headers].join(" ") };
      if (action.kind === "refuse") {
        const nothing = { clusters: [], mirrors: [], timeoutMs: null };
        return { ...where, ...matched, ...nothing, refusal: action.reason };
      }
      return {
        ...where,
        ...matched,
        clusters: action.clusters.map(({ cluster, weight }) => ({ cluster, weight })),
        mirrors: action.mirrors.map(({ cluster }) => cluster),
        timeoutMs: action.timeoutMs,
        refusal: null,
      };
    }),
  );
}

/** Every path begins with "/": the empty prefix of a route that has no match says the same. */
function pathText(path: PathMatch): string {
  return path.kind === "regex" ? `regex ${path.regex.source}` : `${path.kind} ${path.value || "/"}`;
}
