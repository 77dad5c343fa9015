/**
 * What an Envoy believes, from its admin endpoint's JSON: `/clusters?format=json` (live endpoints)
 * and `/config_dump?include_eds` (all else), both of v3 as protobuf's JSON with original names.
 *
 * Reads as much as is there: extensions that it does not know are shown by name.
 */
import { formatAddress } from "../transport/index.ts";
import type {
  ClusterConfigRow,
  ConfigKind,
  ConfigRows,
  EndpointConfig,
  ListenerConfigRow,
} from "./config-rows.ts";
import { routeRows } from "./envoy-routes.ts";
import { at, listAt, numberAt, textAt, textsAt } from "./json-paths.ts";

/** Endpoints as `/clusters?format=json` has them. */
export function liveEndpoints(statuses: unknown): EndpointConfig[] {
  return listAt(statuses, "cluster_statuses").flatMap((cluster) =>
    listAt(cluster, "host_statuses").map((host) => {
      const stat = (name: string): number => {
        const found = listAt(host, "stats").find((one) => textAt(one, "name") === name);
        return numberAt(found, "value") ?? 0;
      };
      return {
        cluster: textAt(cluster, "name") ?? "",
        address: addressText(at(host, "address")),
        ...healthOf(at(host, "health_status")),
        zone: textAt(host, "locality", "zone"),
        weight: numberAt(host, "weight"),
        connections: stat("cx_active"),
        activeCalls: stat("rq_active"),
        calls: stat("rq_total"),
        failures: stat("rq_error"),
      };
    }),
  );
}

/** Rows of a kind from `/config_dump`. */
export function dumpedRows<K extends ConfigKind>(kind: K, dump: unknown): ConfigRows[K][] {
  const parts = listAt(dump, "configs");
  const of = (name: string): unknown[] =>
    parts.filter((part) => textAt(part, "@type")?.endsWith(`.${name}`));
  const rows: { readonly [K in ConfigKind]: () => ConfigRows[K][] } = {
    endpoints: () => of("EndpointsConfigDump").flatMap(dumpedEndpoints),
    clusters: () => clusterRows(of("ClustersConfigDump"), of("EndpointsConfigDump")),
    routes: () => of("RoutesConfigDump").flatMap(routeRows),
    listeners: () => of("ListenersConfigDump").flatMap(listenerRows),
  };
  return rows[kind]();
}

/** Envoy's word for the reason stands beside the health; it is the reason here. */
function healthOf(status: unknown): { readonly status: string; readonly reason: string | null } {
  const health = textAt(status, "eds_health_status") ?? "UNKNOWN";
  const flags = [
    "failed_active_health_check",
    "failed_outlier_check",
    "failed_active_degraded_check",
    "pending_dynamic_removal",
    "pending_active_hc",
    "excluded_via_immediate_hc_fail",
    "active_hc_timeout",
  ].filter((flag) => at(status, flag) === true);
  const isFailed = flags.some((flag) => flag.startsWith("failed_"));
  const reason = flags.length === 0 ? null : flags.join(", ");
  return { status: isFailed && health === "HEALTHY" ? "UNHEALTHY" : health, reason };
}

function dumpedEndpoints(part: unknown): EndpointConfig[] {
  const configs = [
    ...listAt(part, "static_endpoint_configs"),
    ...listAt(part, "dynamic_endpoint_configs"),
  ].map((one) => at(one, "endpoint_config"));
  return configs.flatMap((config) =>
    listAt(config, "endpoints").flatMap((locality) =>
      listAt(locality, "lb_endpoints").map((endpoint) => ({
        cluster: textAt(config, "cluster_name") ?? "",
        address: addressText(at(endpoint, "endpoint", "address")),
        status: textAt(endpoint, "health_status") ?? "UNKNOWN",
        reason: null,
        zone: textAt(locality, "locality", "zone"),
        weight: numberAt(endpoint, "load_balancing_weight"),
        connections: null,
        activeCalls: null,
        calls: null,
        failures: null,
      })),
    ),
  );
}

function clusterRows(parts: readonly unknown[], endpointParts: readonly unknown[]) {
  const counts = new Map<string, number>();
  for (const { cluster } of endpointParts.flatMap(dumpedEndpoints)) {
    counts.set(cluster, (counts.get(cluster) ?? 0) + 1);
  }
  const row = (entry: unknown, status: string): ClusterConfigRow => {
    const cluster = at(entry, "cluster");
    const name = textAt(cluster, "name") ?? textAt(entry, "error_state", "failed_configuration");
    const error = textAt(entry, "error_state", "details");
    const isKnown = endpointParts.length > 0;
    return {
      name: name ?? "",
      type: textAt(cluster, "type") ?? textAt(cluster, "cluster_type", "name") ?? "STATIC",
      policy: policyOf(cluster),
      status: cluster === undefined ? "FAILED" : status,
      endpoints: isKnown ? (counts.get(name ?? "") ?? 0) : null,
      tls: at(cluster, "transport_socket") !== undefined,
      version: textAt(entry, "version_info"),
      reason: error === null ? null : `a newer one was refused: ${error}`,
    };
  };
  return parts.flatMap((part) => [
    ...listAt(part, "static_clusters").map((one) => row(one, "ACTIVE")),
    ...listAt(part, "dynamic_active_clusters").map((one) => row(one, "ACTIVE")),
    ...listAt(part, "dynamic_warming_clusters").map((one) => row(one, "WARMING")),
  ]);
}

/** `load_balancing_policy` wins over `lb_policy`; its first one is what Envoy tries first. */
function policyOf(cluster: unknown): string {
  const [first] = listAt(cluster, "load_balancing_policy", "policies");
  const rich = textAt(first, "typed_extension_config", "name");
  if (rich !== null) return rich.replace(/^envoy\.load_balancing_policies\./, "");
  return (textAt(cluster, "lb_policy") ?? "ROUND_ROBIN").toLowerCase();
}

function listenerRows(part: unknown): ListenerConfigRow[] {
  const dynamic = listAt(part, "dynamic_listeners").flatMap((entry) => {
    const error = textAt(entry, "error_state", "details");
    const reason = error === null ? null : `a newer one was refused: ${error}`;
    const states = ["active", "warming", "draining"].flatMap((state) => {
      const listener = at(entry, `${state}_state`, "listener");
      return listener === undefined ? [] : chainRows(listener, state.toUpperCase(), reason);
    });
    if (states.length > 0) return states;
    const name = textAt(entry, "name") ?? "";
    const nothing = { address: null, wanted: null, serverNames: [], tls: false, routes: "-" };
    return [{ name, ...nothing, status: "FAILED", reason }];
  });
  const fixed = listAt(part, "static_listeners").flatMap((entry) =>
    chainRows(at(entry, "listener"), "ACTIVE", null),
  );
  return [...fixed, ...dynamic];
}

function chainRows(listener: unknown, status: string, reason: string | null): ListenerConfigRow[] {
  const address = at(listener, "address");
  const base = {
    name: textAt(listener, "name") ?? "",
    address: address === undefined ? null : addressText(address),
    wanted: null,
    status,
    reason,
  };
  const api = at(listener, "api_listener", "api_listener");
  if (api !== undefined) return [{ ...base, serverNames: [], tls: false, routes: managed(api) }];
  const chains = [...listAt(listener, "filter_chains"), at(listener, "default_filter_chain")];
  return chains
    .filter((chain) => chain !== undefined)
    .map((chain) => ({
      ...base,
      serverNames: textsAt(chain, "filter_chain_match", "server_names"),
      tls: at(chain, "transport_socket") !== undefined,
      routes: listAt(chain, "filters").map(filterText).join(", "),
    }));
}

function filterText(filter: unknown): string {
  const config = at(filter, "typed_config");
  const type = textAt(config, "@type") ?? "";
  if (type.endsWith(".HttpConnectionManager")) return managed(config);
  if (type.endsWith(".TcpProxy")) return `tcp to ${textAt(config, "cluster") ?? "clusters"}`;
  return textAt(filter, "name") ?? type;
}

/** The name of the route table that a HttpConnectionManager uses. */
function managed(manager: unknown): string {
  const named =
    textAt(manager, "rds", "route_config_name") ?? textAt(manager, "route_config", "name");
  return named ?? (at(manager, "scoped_routes") === undefined ? "inline" : "scoped routes");
}

function addressText(address: unknown): string {
  const socket = at(address, "socket_address");
  const host = textAt(socket, "address");
  if (host === null) return textAt(address, "pipe", "path") ?? "-";
  const port = numberAt(socket, "port_value") ?? textAt(socket, "named_port") ?? 0;
  return formatAddress(host, port);
}
