/**
 * What becomes of a call by a route of RDS. gRFCs A28 (weights), A31 (timeouts), A42 (hash policy),
 * A44 (retries).
 */
import { cut } from "../../base/index.ts";
import { Status, statusFromHttp } from "../../grpc/index.ts";
import {
  type HeaderChange,
  joinChanges,
  type Mirror,
  type RouteAction,
  type WeightedCluster,
} from "../../routes/index.ts";
import {
  durationMs,
  FieldProblem,
  type Notes,
  perMillion,
  type RouteAction_RequestMirrorPolicy,
  type VirtualHost,
  type RouteAction as XdsAction,
  type Route as XdsRoute,
} from "../../xds/index.ts";
import { headerChangeOf } from "./header-change.ts";
import { retryPolicyOf } from "./retry.ts";

/** What holds for all routes of a table or host. */
export interface RouteScope {
  readonly request: HeaderChange | null;
  readonly response: HeaderChange | null;
  readonly mirrors: readonly RouteAction_RequestMirrorPolicy[];
  readonly notes: Notes;
}

/** Characters of the body of a direct response that callers are told. */
const BODY_CHARS_MAX = 500;
const WEIGHT_SUM_MAX = 2 ** 32 - 1;

/** @throws FieldProblem */
export function routeActionOf(
  route: XdsRoute,
  host: VirtualHost,
  outer: RouteScope,
  path: string,
): RouteAction {
  const { action } = route;
  switch (action.case) {
    case "route":
      return forwardOf(route, action.value, host, outer, path);
    case "directResponse": {
      const { status, body } = action.value;
      const specifier = body?.specifier;
      const text = specifier?.case === "inlineString" ? specifier.value : "";
      const said = text === "" ? "" : `: ${cut(text, BODY_CHARS_MAX)}`;
      return refusal(status, `the route answers HTTP ${status}${said}`);
    }
    case "redirect":
      return refusal(302, "the route redirects, which gRPC cannot follow");
    default:
      // a route with any other action fails the call with UNAVAILABLE (A28, A36).
      return refusal(503, `the route has no action that is known (${action.case ?? "none"})`);
  }
}

function refusal(httpStatus: number, reason: string): RouteAction {
  const status = statusFromHttp(httpStatus);
  const isOk = httpStatus >= 200 && httpStatus < 300;
  return { kind: "refuse", status: isOk ? Status.UNAVAILABLE : status, httpStatus, reason };
}

function forwardOf(
  route: XdsRoute,
  action: XdsAction,
  host: VirtualHost,
  outer: RouteScope,
  path: string,
): RouteAction {
  refuseUnsupported(action, path);
  const at = `${path}.route`;
  const { notes } = outer;
  noteUnapplied(action, at, notes);
  const retryAt = `${at}.retry_policy`;
  const retryPolicy = retryPolicyOf(action.retryPolicy ?? host.retryPolicy, retryAt, notes);
  // "policies are not merged, the most specific non-empty one becomes the mirror policies" (Envoy).
  const own = action.requestMirrorPolicies;
  return {
    kind: "forward",
    clusters: clustersOf(action, at, notes),
    request: joinChanges(outer.request, changeOf(route, "request", path)),
    response: joinChanges(outer.response, changeOf(route, "response", path)),
    mirrors: mirrorsOf(own.length > 0 ? own : outer.mirrors, at),
    timeoutMs: timeoutOf(action, at),
    retryPolicy,
    hashHeader: hashHeaderOf(action, at, notes),
  };
}

/** What would change where a call goes or what it says, and is not done. */
function refuseUnsupported(action: XdsAction, path: string): void {
  const fields: readonly (readonly [string, boolean])[] = [
    ["prefix_rewrite", action.prefixRewrite !== ""],
    ["regex_rewrite", action.regexRewrite !== undefined],
    ["path_rewrite_policy", action.pathRewritePolicy !== undefined],
    ["host_rewrite_literal", action.hostRewriteSpecifier.case === "hostRewriteLiteral"],
    ["host_rewrite_header", action.hostRewriteSpecifier.case === "hostRewriteHeader"],
    ["host_rewrite_path_regex", action.hostRewriteSpecifier.case === "hostRewritePathRegex"],
    ["hedge_policy", action.hedgePolicy !== undefined],
    ["metadata_match", action.metadataMatch !== undefined],
  ];
  for (const [name, isSet] of fields) {
    if (isSet) throw new FieldProblem(`${path}.route.${name}`, "is not supported");
  }
}

/** What changes less than where a call goes. */
function noteUnapplied(action: XdsAction, path: string, notes: Notes): void {
  const { hostRewriteSpecifier: rewrite, priority } = action;
  const idle = durationMs(action.idleTimeout, `${path}.idle_timeout`);
  const isBounded = action.maxStreamDuration !== undefined;
  const most = durationMs(action.maxGrpcTimeout, `${path}.max_grpc_timeout`);
  notes.addSet(path, [
    ["auto_host_rewrite", rewrite.case === "autoHostRewrite" && rewrite.value.value],
    ["priority", priority !== 0],
    ["rate_limits", action.rateLimits.length > 0],
    ["idle_timeout", idle !== null && idle > 0],
    ["max_grpc_timeout", !isBounded && most !== null && most > 0],
    ["cluster_not_found_response_code", action.clusterNotFoundResponseCode !== 0],
    ["retry_policy_typed_config", action.retryPolicyTypedConfig !== undefined],
  ]);
}

interface ChangeFields {
  readonly requestHeadersToAdd: XdsRoute["requestHeadersToAdd"];
  readonly requestHeadersToRemove: readonly string[];
  readonly responseHeadersToAdd: XdsRoute["responseHeadersToAdd"];
  readonly responseHeadersToRemove: readonly string[];
}

/** @throws FieldProblem */
export function changeOf(
  fields: ChangeFields,
  side: "request" | "response",
  path: string,
): HeaderChange | null {
  return side === "request"
    ? headerChangeOf(
        fields.requestHeadersToAdd,
        fields.requestHeadersToRemove,
        `${path}.request_headers_to_add`,
      )
    : headerChangeOf(
        fields.responseHeadersToAdd,
        fields.responseHeadersToRemove,
        `${path}.response_headers_to_add`,
      );
}

function clustersOf(
  { clusterSpecifier }: XdsAction,
  path: string,
  notes: Notes,
): WeightedCluster[] {
  const plain = (cluster: string): WeightedCluster => ({
    ...{ cluster, weight: 1, request: null, response: null },
  });
  if (clusterSpecifier.case === "cluster" && clusterSpecifier.value !== "") {
    return [plain(clusterSpecifier.value)];
  }
  if (clusterSpecifier.case !== "weightedClusters") {
    const what = clusterSpecifier.case ?? "nothing";
    throw new FieldProblem(`${path}.cluster_specifier`, `is ${what}: not supported`);
  }
  const at = `${path}.weighted_clusters.clusters`;
  const isByHeader = clusterSpecifier.value.randomValueSpecifier.case !== undefined;
  notes.addSet(`${path}.weighted_clusters`, [["header_name", isByHeader]]);
  const clusters: WeightedCluster[] = [];
  let sum = 0;
  for (const [i, each] of clusterSpecifier.value.clusters.entries()) {
    const weight = each.weight ?? 0;
    sum += weight;
    if (each.name === "") throw new FieldProblem(`${at}[${i}].name`, "is missing");
    if (weight === 0) continue; // no call ever goes there
    if (each.metadataMatch !== undefined || each.hostRewriteSpecifier.case !== undefined) {
      const field = each.metadataMatch === undefined ? "host_rewrite_literal" : "metadata_match";
      throw new FieldProblem(`${at}[${i}].${field}`, "is not supported");
    }
    const hasFilters = Object.keys(each.typedPerFilterConfig).length > 0;
    notes.addSet(`${at}[${i}]`, [["typed_per_filter_config", hasFilters]]);
    clusters.push({
      ...{ cluster: each.name, weight },
      request: changeOf(each, "request", `${at}[${i}]`),
      response: changeOf(each, "response", `${at}[${i}]`),
    });
  }
  // the sum of weights must be greater than 0 and fit in uint32 (A28).
  if (sum > 0 && sum <= WEIGHT_SUM_MAX) return clusters;
  throw new FieldProblem(at, `have weights of ${sum} together, must be 1 to ${WEIGHT_SUM_MAX}`);
}

function mirrorsOf(policies: readonly RouteAction_RequestMirrorPolicy[], path: string): Mirror[] {
  return policies.map(({ cluster, runtimeFraction }, i) => {
    const at = `${path}.request_mirror_policies[${i}]`;
    if (cluster === "") throw new FieldProblem(`${at}.cluster`, "is missing");
    const fraction = perMillion(runtimeFraction?.defaultValue, `${at}.runtime_fraction`);
    return { cluster, perMillion: fraction ?? 1_000_000 };
  });
}

/** grpc_timeout_header_max, else max_stream_duration; 0 means no bound (A31); else `timeout`. */
function timeoutOf({ maxStreamDuration, timeout }: XdsAction, path: string): number | null {
  const at = `${path}.max_stream_duration`;
  const ms =
    durationMs(maxStreamDuration?.grpcTimeoutHeaderMax, `${at}.grpc_timeout_header_max`) ??
    durationMs(maxStreamDuration?.maxStreamDuration, `${at}.max_stream_duration`) ??
    durationMs(timeout, `${path}.timeout`);
  return ms === 0 ? null : ms;
}

/** The first policy by a header counts; others are ignored, with a note. */
function hashHeaderOf({ hashPolicy }: XdsAction, path: string, notes: Notes): string | null {
  let found: string | null = null;
  for (const [i, { policySpecifier }] of hashPolicy.entries()) {
    if (policySpecifier.case !== "header") {
      const by = policySpecifier.case ?? "nothing";
      notes.add(path, "hash_policy", `[${i}] by ${by} is not applied: by a header only`);
      continue;
    }
    const { headerName, regexRewrite } = policySpecifier.value;
    if (regexRewrite !== undefined) {
      throw new FieldProblem(`${path}.hash_policy[${i}].header.regex_rewrite`, "is not supported");
    }
    const name = headerName.toLowerCase();
    // A42: one whose name ends in -bin is as if it were not there.
    const isUsable = name !== "" && !name.endsWith("-bin");
    if (isUsable && found === null) found = name;
    else {
      const why = isUsable ? "one header counts, the first" : "it is no text header";
      notes.add(path, "hash_policy", `[${i}] is not applied: ${why}`);
    }
  }
  return found;
}
