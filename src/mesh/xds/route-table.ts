/**
 * RDS: a `RouteConfiguration` as a route table, checked. gRFC A28.
 */
import { fromBinary } from "@bufbuild/protobuf";
import type { ResourceKind } from "../../discovery/index.ts";
import { joinChanges, type Route, type RouteTable, type VirtualHost } from "../../routes/index.ts";
import {
  decoded,
  FieldProblem,
  Notes,
  RESOURCE_TYPES,
  type RouteConfiguration,
  RouteConfigurationSchema,
  VirtualHost_TlsRequirementType,
  type VirtualHost as XdsVirtualHost,
} from "../../xds/index.ts";
import { changeOf, type RouteScope, routeActionOf } from "./route-action.ts";
import { routeMatchOf } from "./route-match.ts";

/** Virtual hosts and routes of one table together. */
const XDS_ROUTES_MAX = 65_536;

/** RDS for an `XdsClient`. */
export const ROUTES_KIND: ResourceKind<RouteTable> = {
  typeUrl: RESOURCE_TYPES.RDS,
  name: "RDS",
  isComplete: false,
  decode: (bytes) => {
    const message = fromBinary(RouteConfigurationSchema, bytes);
    return decoded(message.name, () => routeTableOf(message, ""));
  },
};

/** @throws FieldProblem */
export function routeTableOf(message: RouteConfiguration, path: string): RouteTable {
  const at = path === "" ? "" : `${path}.`;
  let count = message.virtualHosts.length;
  for (const { routes } of message.virtualHosts) count += routes.length;
  if (count > XDS_ROUTES_MAX) {
    throw new FieldProblem(`${at}virtual_hosts`, `have ${count} routes, above ${XDS_ROUTES_MAX}`);
  }
  const notes = new Notes();
  noteTable(message, path, notes);
  const scope: RouteScope = {
    request: changeOf(message, "request", path),
    response: changeOf(message, "response", path),
    mirrors: message.requestMirrorPolicies,
    notes,
  };
  const seen = new Set<string>();
  const hosts = message.virtualHosts.map((host, i) => {
    const where = `${at}virtual_hosts[${i}]`;
    checkDomains(host, seen, where);
    return hostOf(host, scope, where);
  });
  const ports = message.ignorePortInHostMatching ? "ignored" : "compared";
  return { hosts, ports, notes: notes.list() };
}

function noteTable(message: RouteConfiguration, path: string, notes: Notes): void {
  notes.addSet(path, [
    ["vhds", message.vhds !== undefined],
    ["typed_per_filter_config", Object.keys(message.typedPerFilterConfig).length > 0],
    ["internal_only_headers", message.internalOnlyHeaders.length > 0],
    ["most_specific_header_mutations_wins", message.mostSpecificHeaderMutationsWins],
    ["ignore_path_parameters_in_path_matching", message.ignorePathParametersInPathMatching],
  ]);
}

function noteHost(host: XdsVirtualHost, path: string, notes: Notes): void {
  notes.addSet(path, [
    ["typed_per_filter_config", Object.keys(host.typedPerFilterConfig).length > 0],
    // Who is external is known to a front proxy alone.
    ["require_tls", host.requireTls === VirtualHost_TlsRequirementType.EXTERNAL_ONLY],
    ["rate_limits", host.rateLimits.length > 0],
    ["include_request_attempt_count", host.includeRequestAttemptCount],
    ["include_attempt_count_in_response", host.includeAttemptCountInResponse],
    ["retry_policy_typed_config", host.retryPolicyTypedConfig !== undefined],
    ["hedge_policy", host.hedgePolicy !== undefined],
  ]);
}

/** "domains ... must be unique across all virtual hosts or the route table is refused" (Envoy). */
function checkDomains({ domains }: XdsVirtualHost, seen: Set<string>, path: string): void {
  if (domains.length === 0) throw new FieldProblem(`${path}.domains`, "is empty");
  for (const domain of domains) {
    const lower = domain.toLowerCase();
    const star = lower.indexOf("*");
    const isGood = star < 0 || star === 0 || star === lower.length - 1;
    if (lower === "" || !isGood || star !== lower.lastIndexOf("*")) {
      throw new FieldProblem(
        `${path}.domains`,
        `has ${JSON.stringify(domain)}, which is no pattern`,
      );
    }
    if (seen.has(lower)) {
      throw new FieldProblem(`${path}.domains`, `has ${JSON.stringify(domain)} again`);
    }
    seen.add(lower);
  }
}

function hostOf(host: XdsVirtualHost, all: RouteScope, path: string): VirtualHost {
  const { notes } = all;
  noteHost(host, path, notes);
  const own = host.requestMirrorPolicies;
  const outer: RouteScope = {
    request: joinChanges(all.request, changeOf(host, "request", path)),
    response: joinChanges(all.response, changeOf(host, "response", path)),
    mirrors: own.length > 0 ? own : all.mirrors,
    notes,
  };
  const routes: Route[] = [];
  for (const [i, route] of host.routes.entries()) {
    const at = `${path}.routes[${i}]`;
    if (route.match === undefined) throw new FieldProblem(`${at}.match`, "is missing");
    const match = routeMatchOf(route.match, `${at}.match`, notes);
    if (match === null) continue;
    const hasFilters = Object.keys(route.typedPerFilterConfig).length > 0;
    notes.addSet(at, [["typed_per_filter_config", hasFilters]]);
    const name = route.name === "" ? `${host.name} route ${i}` : route.name;
    routes.push({ name, match, action: routeActionOf(route, host, outer, at) });
  }
  const domains = host.domains.map((each) => each.toLowerCase());
  const requiresTls = host.requireTls === VirtualHost_TlsRequirementType.ALL;
  return { name: host.name, domains, routes, ...(requiresTls ? { requiresTls } : {}) };
}
