/**
 * Envoy's RouteConfiguration (envoy/config/route/v3) in words: one row a route.
 */
import type { RouteConfigRow } from "./config-rows.ts";
import { at, listAt, numberAt, textAt, textsAt } from "./json-paths.ts";

/** Rows of one RoutesConfigDump. */
export function routeRows(part: unknown): RouteConfigRow[] {
  const configs = [
    ...listAt(part, "static_route_configs"),
    ...listAt(part, "dynamic_route_configs"),
  ].map((one) => at(one, "route_config"));
  return configs.flatMap((config) =>
    listAt(config, "virtual_hosts").flatMap((host) =>
      listAt(host, "routes").map((route) => ({
        table: textAt(config, "name") ?? "-",
        host: textAt(host, "name") ?? "-",
        domains: textsAt(host, "domains"),
        match: matchText(at(route, "match")),
        ...actionOf(route),
      })),
    ),
  );
}

function matchText(match: unknown): string {
  const parts = [pathText(match)];
  for (const header of listAt(match, "headers")) parts.push(headerText(header));
  for (const query of listAt(match, "query_parameters")) {
    parts.push(`query ${textAt(query, "name") ?? ""}`);
  }
  const runtime = at(match, "runtime_fraction", "default_value");
  if (runtime !== undefined) parts.push(`a share of ${fractionText(runtime)}`);
  if (at(match, "grpc") !== undefined) parts.push("gRPC only");
  return parts.join(", ");
}

function pathText(match: unknown): string {
  const ignores = at(match, "case_sensitive") === false ? " in any case" : "";
  const exact = textAt(match, "path");
  if (exact !== null) return `path ${exact}${ignores}`;
  const regex = textAt(match, "safe_regex", "regex");
  if (regex !== null) return `path ~ ${regex}`;
  const separated = textAt(match, "path_separated_prefix");
  if (separated !== null) return `path under ${separated}${ignores}`;
  const prefix = textAt(match, "prefix");
  return prefix === null || prefix === "" || prefix === "/"
    ? "any path"
    : `prefix ${prefix}${ignores}`;
}

const STRING_MATCHES: readonly (readonly [key: string, words: string])[] = [
  ["exact", "="],
  ["prefix", "begins with"],
  ["suffix", "ends with"],
  ["contains", "contains"],
];

function headerText(header: unknown): string {
  const not = at(header, "invert_match") === true ? "not " : "";
  const name = `${not}header ${textAt(header, "name") ?? ""}`;
  const text = at(header, "string_match");
  for (const [key, words] of STRING_MATCHES) {
    // Before string_match there were fields of these names on the matcher itself.
    const value = textAt(text, key) ?? textAt(header, `${key}_match`);
    if (value !== null) return `${name} ${words} ${value}`;
  }
  const regex = textAt(text, "safe_regex", "regex") ?? textAt(header, "safe_regex_match", "regex");
  if (regex !== null) return `${name} ~ ${regex}`;
  const range = at(header, "range_match");
  if (range !== undefined) {
    return `${name} from ${numberAt(range, "start") ?? 0} to below ${numberAt(range, "end") ?? 0}`;
  }
  return at(header, "present_match") === false ? `${name} absent` : `${name} present`;
}

function fractionText(fraction: unknown): string {
  const unit = textAt(fraction, "denominator") ?? "HUNDRED";
  const per = unit === "MILLION" ? 1_000_000 : unit === "TEN_THOUSAND" ? 10_000 : 100;
  return `${((numberAt(fraction, "numerator") ?? 0) * 100) / per}%`;
}

function actionOf(route: unknown): Pick<RouteConfigRow, "action" | "clusters"> {
  const forward = at(route, "route");
  if (forward !== undefined) return forwardOf(forward);
  const direct = at(route, "direct_response");
  if (direct !== undefined) {
    return { action: `answer HTTP ${numberAt(direct, "status") ?? 0}`, clusters: [] };
  }
  if (at(route, "redirect") !== undefined) return { action: "redirect", clusters: [] };
  const isNone = at(route, "non_forwarding_action") !== undefined;
  return { action: isNone ? "non-forwarding" : "unknown", clusters: [] };
}

function forwardOf(forward: unknown): Pick<RouteConfigRow, "action" | "clusters"> {
  const weighted = listAt(forward, "weighted_clusters", "clusters").map((one) => ({
    name: textAt(one, "name") ?? "",
    weight: numberAt(one, "weight") ?? 0,
  }));
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
  const single = textAt(forward, "cluster");
  const header = textAt(forward, "cluster_header");
  const to =
    single ??
    (header !== null
      ? `the cluster that header ${header} names`
      : weighted.map(({ name, weight }) => `${name} ${percent(weight, total)}`).join(", "));
  const mirrors = listAt(forward, "request_mirror_policies").map(
    (one) => textAt(one, "cluster") ?? "",
  );
  const timeout = timeoutOf(forward);
  const extras = [
    ...mirrors.map((name) => `mirror to ${name}`),
    ...(timeout === null ? [] : [`timeout ${timeout}`]),
    ...(at(forward, "retry_policy") === undefined ? [] : ["retries"]),
  ];
  const clusters = [...(single === null ? [] : [single]), ...weighted.map(({ name }) => name)];
  return { action: [to, ...extras].join("; "), clusters: [...clusters, ...mirrors] };
}

/** A call as a whole is bounded by `max_stream_duration`; then `timeout` is none, "0s". */
function timeoutOf(forward: unknown): string | null {
  const timeout = textAt(forward, "timeout");
  if (timeout !== null && timeout !== "0s") return timeout;
  const stream = at(forward, "max_stream_duration");
  return textAt(stream, "grpc_timeout_header_max") ?? textAt(stream, "max_stream_duration");
}

function percent(weight: number, total: number): string {
  return total === 0 ? "0%" : `${Math.round((weight * 1000) / total) / 10}%`;
}
