/**
 * What a fairlead proxy believes, from the JSON of its admin endpoint: `/clusters`, `/routes` and
 * `/listeners` (`?format=json`).
 */
import type { ClusterConfigRow, ConfigKind, ConfigRows, EndpointConfig } from "./config-rows.ts";
import { at, listAt, numberAt, textAt } from "./json-paths.ts";

/** Rows of a kind; null when the answer has none of that kind. */
export function ownRows<K extends ConfigKind>(kind: K, said: unknown): ConfigRows[K][] | null {
  const isClusters = kind === "endpoints" || kind === "clusters";
  if (!Array.isArray(at(said, isClusters ? "clusters" : kind))) return null;
  return READERS[kind](said) as ConfigRows[K][];
}

const READERS: { readonly [K in ConfigKind]: (said: unknown) => ConfigRows[K][] } = {
  endpoints: (said) => listAt(said, "clusters").flatMap(endpointRows),
  clusters: (said) => listAt(said, "clusters").map(clusterRow),
  routes: () => [],
  listeners: () => [],
};

function endpointRows(cluster: unknown): EndpointConfig[] {
  return listAt(cluster, "endpoints").map((endpoint) => {
    const isUsable = at(endpoint, "usable") === true;
    return {
      cluster: textAt(cluster, "target") ?? "",
      address: textAt(endpoint, "address") ?? "",
      status: textAt(endpoint, "state") ?? "UNKNOWN",
      reason: isUsable ? null : textAt(endpoint, "reason"),
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
