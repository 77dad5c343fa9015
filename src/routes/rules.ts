/**
 * Rules of a GRPCRoute as routes of a table: each match of a rule is a route of its own, with what
 * its precedence is judged by. gateway.networking.k8s.io/v1 GRPCRouteRule.
 *
 * A rule that asks for what nobody here can do is not dropped: the calls that it matches are
 * refused, because a filter that is skipped may be the one that kept callers out.
 */
import type {
  GRPCBackendRef,
  GRPCMethodMatch,
  GRPCRoute,
  GRPCRouteFilter,
  GRPCRouteMatch,
  GRPCRouteRule,
} from "../discovery/index.ts";
import { isReservedKey, Status } from "../grpc/index.ts";
import type { Backend, Backends } from "./backends.ts";
import type { Fault } from "./conditions.ts";
import { parseRegex } from "./regex.ts";
import { keyOf } from "./route-objects.ts";
import type {
  HeaderChange,
  HeaderMatch,
  Mirror,
  PathMatch,
  RefuseAction,
  Route,
  RouteAction,
  WeightedCluster,
} from "./table.ts";

/** One match of a rule. */
export interface RuleRoute {
  readonly route: Route;
  /**
   * What precedence is given by, more first: characters of the service and of the method, exact
   * ones before those of a regular expression, then header matches.
   */
  readonly rank: readonly number[];
}

/** All rules of a route, for one sort of parents. */
export interface CompiledRoute {
  /** "namespace/name". */
  readonly key: string;
  readonly object: GRPCRoute;
  /** In the order of rules and matches. */
  readonly routes: readonly RuleRoute[];
  /** For ResolvedRefs: the first backend that is not there, and how many more. */
  readonly refFault: Fault | null;
  /** "Rule 0: ...": rules that ask for what nobody here can do. */
  readonly invalidRules: readonly string[];
  readonly isWhollyInvalid: boolean;
}

/** The rules of a route. */
export function compileRoute(object: GRPCRoute, backends: Backends): CompiledRoute {
  const key = keyOf(object.metadata);
  const faults: Fault[] = [];
  const invalidRules: string[] = [];
  const routes = object.rules.flatMap((rule, i) => {
    const label = `GRPCRoute ${key} rule ${rule.name ?? i}`;
    const compiled = compileRule(rule, label, backends, faults);
    if (compiled.problem !== null) invalidRules.push(`Rule ${i}: ${compiled.problem}`);
    return compiled.routes;
  });
  const [first] = faults;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
  return {
    key,
    object,
    routes,
    refFault: first === undefined ? null : { ...first, message: `${first.message}${more}` },
    invalidRules,
    isWhollyInvalid: invalidRules.length > 0 && invalidRules.length === object.rules.length,
  };
}

function compileRule(
  rule: GRPCRouteRule,
  label: string,
  backends: Backends,
  faults: Fault[],
): { readonly routes: readonly RuleRoute[]; readonly problem: string | null } {
  let problem = problemOf(rule);
  const action = actionOf(rule, label, backends, faults);
  const parts: { match: GRPCRouteMatch; i: number; path: PathMatch; headers: HeaderMatch[] }[] = [];
  for (const [i, match] of rule.matches.entries()) {
    try {
      const path = pathMatchOf(match.method);
      parts.push({ match, i, path, headers: match.headers.map(headerMatchOf) });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      // What it would match cannot be said, so there is nothing of it to refuse.
      problem ??= `match ${i} has ${error.message}`;
    }
  }
  const taken = problem === null ? action : refusal(`${label}: ${problem}`);
  const routes = parts.map(({ match, i, path, headers }) => {
    const name = `${label} match ${i}`;
    const route = { name, match: { path, headers, perMillion: null }, action: taken };
    return { route, rank: rankOf(match) };
  });
  return { routes, problem };
}

/** What of a rule nobody here can do, or null. */
function problemOf({ filters, backendRefs, unsupported }: GRPCRouteRule): string | null {
  if (unsupported.length > 0) return `${unsupported[0]} is not supported`;
  for (const filter of filters) {
    const problem = filterProblem(filter);
    if (problem !== null) return problem;
  }
  for (const { filters: own } of backendRefs) {
    for (const filter of own) {
      if (filter.type === "RequestMirror") return "RequestMirror of a backend is not supported";
      const problem = filterProblem(filter);
      if (problem !== null) return problem;
    }
  }
  return null;
}

function filterProblem(filter: GRPCRouteFilter): string | null {
  if (filter.type === "RequestMirror") return null;
  if (filter.type === "ExtensionRef") {
    const { group, kind, name } = filter.ref;
    return `filter ExtensionRef (${kind} of ${group}, ${name}) is not supported`;
  }
  const names = [...filter.set, ...filter.add].map(([name]) => name);
  // What HTTP/2 and gRPC say with a header is not a route's to change.
  const owned = [...names, ...filter.remove].find(
    (name) => isReservedKey(name) && name !== "user-agent",
  );
  return owned === undefined ? null : `${filter.type} may not change ${owned}`;
}

function pathMatchOf(match: GRPCMethodMatch | null): PathMatch {
  if (match === null) return { kind: "prefix", value: "", ignoresCase: false };
  const { type, service, method } = match;
  if (type === "Exact" && service !== null) {
    return method === null
      ? { kind: "prefix", value: `/${service}/`, ignoresCase: false }
      : { kind: "exact", value: `/${service}/${method}`, ignoresCase: false };
  }
  // Parts that cannot stand alone must not be made valid by what stands around them.
  const partOf = (part: string | null): string => {
    if (part === null) return "[^/]+";
    return type === "Exact" ? part : `(?:${parseRegex(part).source})`;
  };
  return { kind: "regex", regex: parseRegex(`/${partOf(service)}/${partOf(method)}`) };
}

function headerMatchOf({ type, name, value }: GRPCRouteMatch["headers"][number]): HeaderMatch {
  return {
    name,
    inverts: false,
    value:
      type === "Exact"
        ? { kind: "exact", text: value, ignoresCase: false }
        : { kind: "regex", regex: parseRegex(value) },
  };
}

function rankOf({ method, headers }: GRPCRouteMatch): readonly number[] {
  const [service, name] = [method?.service?.length ?? 0, method?.method?.length ?? 0];
  return method?.type === "RegularExpression"
    ? [0, service, 0, name, headers.length]
    : [service, 0, name, 0, headers.length];
}

function actionOf(
  { filters, backendRefs }: GRPCRouteRule,
  label: string,
  backends: Backends,
  faults: Fault[],
): RouteAction {
  const mirrors = mirrorsOf(filters, backends, faults);
  const found = backendRefs.map((ref) => ({ ref, backend: backends.find(ref) }));
  for (const { backend } of found) if (backend.fault !== null) faults.push(backend.fault);
  if (found.length === 0) return refusal(`${label} has no backend`);
  const weighty = found.filter(({ ref }) => ref.weight > 0);
  if (weighty.length === 0) return refusal(`${label} has no backend with a weight above 0`);
  const [{ backend }] = weighty;
  if (backend.fault !== null && weighty.every((each) => each.backend.fault !== null)) {
    return refusal(`${label}: ${backend.fault.message}`);
  }
  return {
    kind: "forward",
    clusters: weighty.map(weightedCluster),
    request: changeOf(filters, "RequestHeaderModifier"),
    response: changeOf(filters, "ResponseHeaderModifier"),
    mirrors,
    timeoutMs: null,
    retryPolicy: null,
    hashHeader: null,
  };
}

function weightedCluster({
  ref,
  backend,
}: {
  readonly ref: GRPCBackendRef;
  readonly backend: Backend;
}): WeightedCluster {
  return {
    cluster: backend.cluster,
    weight: ref.weight,
    request: changeOf(ref.filters, "RequestHeaderModifier"),
    response: changeOf(ref.filters, "ResponseHeaderModifier"),
  };
}

function mirrorsOf(
  filters: readonly GRPCRouteFilter[],
  backends: Backends,
  faults: Fault[],
): readonly Mirror[] {
  const mirrors: Mirror[] = [];
  for (const filter of filters) {
    if (filter.type !== "RequestMirror") continue;
    const { cluster, fault } = backends.find(filter.backend);
    const perMillion = Math.round((filter.numerator / filter.denominator) * 1_000_000);
    if (fault !== null) faults.push(fault);
    else if (perMillion > 0) mirrors.push({ cluster, perMillion });
  }
  return mirrors;
}

function changeOf(
  filters: readonly GRPCRouteFilter[],
  type: "RequestHeaderModifier" | "ResponseHeaderModifier",
): HeaderChange | null {
  for (const filter of filters) {
    if (filter.type !== type) continue;
    const { set, add, remove } = filter;
    if (set.length + add.length + remove.length > 0) return { set, add, remove };
  }
  return null;
}

/** "all traffic which matches this rule MUST receive an UNAVAILABLE status"; HTTPRoute: 500. */
function refusal(reason: string): RefuseAction {
  return { kind: "refuse", status: Status.UNAVAILABLE, httpStatus: 500, reason };
}
