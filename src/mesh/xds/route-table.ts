/**
 * RDS: a `RouteConfiguration` as a route table, checked. gRFC A28.
 */
import { fromBinary } from "@bufbuild/protobuf";
import type { ResourceKind } from "../../discovery/index.ts";
import {
  type HeaderChange,
  joinChanges,
  type Route,
  type RouteTable,
  type VirtualHost,
} from "../../routes/index.ts";
import {
  decoded,
  FieldProblem,
  RESOURCE_TYPES,
  type RouteConfiguration,
  RouteConfigurationSchema,
  type VirtualHost as XdsVirtualHost,
} from "../../xds/index.ts";
import { changeOf, routeActionOf } from "./route-action.ts";
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
  const request = changeOf(message, "request", path);
  const response = changeOf(message, "response", path);
  const seen = new Set<string>();
  return {
    hosts: message.virtualHosts.map((host, i) => {
      const where = `${at}virtual_hosts[${i}]`;
      checkDomains(host, seen, where);
      return hostOf(host, request, response, where);
    }),
  };
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

function hostOf(
  host: XdsVirtualHost,
  request: HeaderChange | null,
  response: HeaderChange | null,
  path: string,
): VirtualHost {
  const outer = {
    request: joinChanges(request, changeOf(host, "request", path)),
    response: joinChanges(response, changeOf(host, "response", path)),
  };
  const routes: Route[] = [];
  for (const [i, route] of host.routes.entries()) {
    const at = `${path}.routes[${i}]`;
    if (route.match === undefined) throw new FieldProblem(`${at}.match`, "is missing");
    const match = routeMatchOf(route.match, `${at}.match`);
    if (match === null) continue;
    const name = route.name === "" ? `${host.name} route ${i}` : route.name;
    routes.push({ name, match, action: routeActionOf(route, host, outer, at) });
  }
  return { name: host.name, domains: host.domains.map((each) => each.toLowerCase()), routes };
}

/** Clusters that a table names, mirrors included. */
export function clusterNamesOf({ hosts }: RouteTable): Set<string> {
  const names = new Set<string>();
  for (const { routes } of hosts) {
    for (const { action } of routes) {
      if (action.kind !== "forward") continue;
      for (const { cluster } of action.clusters) names.add(cluster);
      for (const { cluster } of action.mirrors) names.add(cluster);
    }
  }
  return names;
}

/** By cluster, the header that calls to it are hashed by: that of the first route that has one. */
export function hashHeadersOf({ hosts }: RouteTable, into: Map<string, string>): void {
  for (const { routes } of hosts) {
    for (const { action } of routes) {
      if (action.kind !== "forward" || action.hashHeader === null) continue;
      for (const { cluster } of action.clusters) {
        if (!into.has(cluster)) into.set(cluster, action.hashHeader);
      }
    }
  }
}
