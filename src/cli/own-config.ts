/**
 * What a fairlead proxy believes, from the JSON of its admin endpoint: `/clusters`, `/routes` and
 * `/listeners` (`?format=json`).
 */
import type {
  ClusterConfigRow,
  ConfigKind,
  ConfigRows,
  EndpointConfig,
  ListenerConfigRow,
  RouteConfigRow,
} from "./config-rows.ts";
import { at, listAt, numberAt, textAt, textsAt } from "./json-paths.ts";

/** Rows of a kind; null when the answer has none of that kind. */
export function ownRows<K extends ConfigKind>(kind: K, said: unknown): ConfigRows[K][] | null {
  const isClusters = kind === "endpoints" || kind === "clusters";
  if (!Array.isArray(at(said, isClusters ? "clusters" : kind))) return null;
  return READERS[kind](said) as ConfigRows[K][];
}

const READERS: { readonly [K in ConfigKind]: (said: unknown) => ConfigRows[K][] } = {
  endpoints: (said) => listAt(said, "clusters").flatMap(endpointRows),
  clusters: (said) => listAt(said, "clusters").map(clusterRow),
  routes: (said) => listAt(said, "routes").map(routeRow),
  listeners: (said) => listAt(said, "listeners").flatMap(listenerRows),
};

function endpointRows(cluster: unknown): EndpointConfig[] {
  return listAt(cluster, "endpoints").map((endpoint) => {
    // One that is unhealthy may be used all the same, in a panic: why it is that is of interest.
    const isFine = at(endpoint, "usable") === true && at(endpoint, "state") === "READY";
    return {
      cluster: textAt(cluster, "target") ?? "",
      address: textAt(endpoint, "address") ?? "",
      status: textAt(endpoint, "state") ?? "UNKNOWN",
      reason: isFine ? null : textAt(endpoint, "reason"),
      zone: textAt(endpoint, "zone"),
      weight: numberAt(endpoint, "weight"),
      connections: numberAt(endpoint, "connections"),
      activeCalls: numberAt(endpoint, "activeCalls"),
      calls: numberAt(endpoint, "calls"),
      failures: numberAt(endpoint, "failures"),
    };
  });
}

function clusterRow(cluster: unknown): ClusterConfigRow {
  const target = textAt(cluster, "target") ?? "";
  const isStale = at(cluster, "stale") === true;
  return {
    name: target,
    type: /^([a-z][\w+.-]*):\/\//.exec(target)?.[1] ?? "-",
    policy: textAt(cluster, "policy") ?? "-",
    status: isStale ? "STALE" : "ACTIVE",
    endpoints: listAt(cluster, "endpoints").length,
    tls: null,
    version: null,
    reason: textAt(cluster, "reason"),
  };
}

function routeRow(route: unknown): RouteConfigRow {
  const weighted = listAt(route, "clusters").map((one) => ({
    name: textAt(one, "cluster") ?? "",
    weight: numberAt(one, "weight") ?? 0,
  }));
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
  const share = (weight: number): string =>
    weighted.length === 1 ? "" : ` ${Math.round((weight * 1000) / Math.max(1, total)) / 10}%`;
  const refusal = textAt(route, "refusal");
  const mirrors = textsAt(route, "mirrors");
  const timeoutMs = numberAt(route, "timeoutMs");
  const to = weighted.map(({ name, weight }) => `${name}${share(weight)}`).join(", ");
  const extras = [
    ...mirrors.map((mirror) => `mirror to ${mirror}`),
    ...(timeoutMs === null ? [] : [`timeout ${timeoutMs / 1000}s`]),
  ];
  return {
    table: textAt(route, "listener") ?? "-",
    host: textAt(route, "host") ?? "-",
    domains: textsAt(route, "domains"),
    match: textAt(route, "match") ?? "any",
    action: refusal === null ? [to, ...extras].join("; ") : `refused: ${refusal}`,
    clusters: weighted.map(({ name }) => name),
  };
}

function listenerRows(listener: unknown): ListenerConfigRow[] {
  const address = textAt(listener, "address");
  const wanted = textAt(listener, "wanted");
  const reason = textAt(listener, "reason");
  const count = (chain: unknown): string => {
    const routes = numberAt(chain, "routes") ?? 0;
    return routes === 1 ? "1 route" : `${routes} routes`;
  };
  return listAt(listener, "chains").map((chain) => ({
    name: textAt(listener, "name") ?? "-",
    address: address ?? wanted,
    wanted: wanted === address ? null : wanted,
    serverNames: textsAt(chain, "serverNames"),
    tls: at(chain, "tls") === true,
    routes: count(chain),
    status: address === null ? "NOT BOUND" : "ACTIVE",
    reason: reason === "listening" ? null : reason,
  }));
}
