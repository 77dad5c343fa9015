/**
 * A route table as a RouteConfiguration (RDS).
 *
 * xDS' own time-out of 15 seconds is switched off everywhere: it would end streams. Where a bound
 * is asked for it is on the whole stream, and clips what the caller asks for in `grpc-timeout`.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { MethodConfigs, Status } from "../../grpc/index.ts";
import type {
  ForwardAction,
  HeaderChange,
  Route,
  RouteTable,
  VirtualHost,
} from "../../routes/index.ts";
import {
  RESOURCE_TYPES,
  type RouteActionSchema,
  RouteConfigurationSchema,
  type RouteSchema,
  type WeightedCluster_ClusterWeightSchema,
} from "../../xds/index.ts";
import type { NodeKind, Resource } from "../resources.ts";
import { matchOf, share } from "./matches.ts";
import { type MethodPath, methodPathsOf } from "./method-routes.ts";
import { hashHeaderOf } from "./policies.ts";
import { durationOf, encode, resourceOf } from "./resource.ts";
import { addMethodProblems, retryPolicyOf } from "./retries.ts";
import type { Settings } from "./settings.ts";

/**
 * A cluster without endpoints, for calls that a route refuses. The name is none that a Service's
 * port could have: whoever makes a Service must not get these calls.
 */
export const REFUSED = "refused";

/** What is in force for a cluster; null: there is no such Service. */
export type SettingsOf = (cluster: string) => Settings | null;

type XdsRoute = MessageInitShape<typeof RouteSchema>;
type Action = MessageInitShape<typeof RouteActionSchema>;
type HeaderFields = Pick<
  MessageInitShape<typeof WeightedCluster_ClusterWeightSchema>,
  | "requestHeadersToAdd"
  | "requestHeadersToRemove"
  | "responseHeadersToAdd"
  | "responseHeadersToRemove"
>;

/** @param name of the resource. */
export function routesResource(
  name: string,
  table: RouteTable,
  settingsOf: SettingsOf,
  kind: NodeKind,
): Resource {
  const problems = new Set<string>();
  const hasPorts = table.hosts.some(({ domains }) => domains.some((d) => /:\d+$/.test(d)));
  const body = encode(RouteConfigurationSchema, {
    name,
    virtualHosts: table.hosts.map((host) => hostOf(host, settingsOf, kind, problems)),
    ...(kind !== "grpc" && !hasPorts && { ignorePortInHostMatching: true }),
  });
  return resourceOf(RESOURCE_TYPES.RDS, name, body, [...problems].sort());
}

function hostOf(
  { name, domains, routes }: VirtualHost,
  settingsOf: SettingsOf,
  kind: NodeKind,
  problems: Set<string>,
) {
  return {
    name,
    domains: [...domains],
    routes: routes.flatMap((route) => routesFor(route, settingsOf, kind, problems)),
  };
}

function routesFor(
  route: Route,
  settingsOf: SettingsOf,
  kind: NodeKind,
  problems: Set<string>,
): XdsRoute[] {
  const { name, match, action } = route;
  if (action.kind === "refuse") return [refusing(route, kind)];
  const settings = action.clusters.map(({ cluster }) => settingsOf(cluster));
  const first = settings.find((each) => each !== null) ?? null;
  if (settings.some((each) => each !== null && differs(each, first))) {
    problems.add(`${name}: its backends have different methodConfig, the first one's holds`);
  }
  const methods = first?.config.methods ?? MethodConfigs.NONE;
  for (const { config } of methods.entries) addMethodProblems(config, problems);
  const policy = first?.config.balancing.policy;
  const hashHeader = action.hashHeader ?? (policy === undefined ? null : hashHeaderOf(policy));
  return methodPathsOf(match.path, methods).map((each) => ({
    name,
    match: matchOf(match, each.path, kind),
    action: { case: "route", value: actionOf(action, each, hashHeader, kind, problems) },
    ...headerFields(action, kind, problems),
  }));
}

function differs(settings: Settings, first: Settings | null): boolean {
  const text = ({ json }: Settings) => JSON.stringify(json.methodConfig ?? []);
  return first !== null && text(settings) !== text(first);
}

/** A gRPC client has no action but to forward: a cluster without endpoints is UNAVAILABLE. */
function refusing({ name, match, action }: Route, kind: NodeKind): XdsRoute {
  const head = { name, match: matchOf(match, match.path, kind) };
  if (kind === "grpc" || action.kind !== "refuse") {
    const value: Action = { clusterSpecifier: { case: "cluster", value: REFUSED } };
    return { ...head, action: { case: "route", value } };
  }
  const body = { specifier: { case: "inlineString", value: action.reason } } as const;
  const status = STATUS_BEFORE_GRPC.get(action.status) ?? action.httpStatus;
  return { ...head, action: { case: "directResponse", value: { status, body } } };
}

/** What Envoy makes the wanted gRPC status of (gRPC's http-grpc-status-mapping.md). */
const STATUS_BEFORE_GRPC: ReadonlyMap<Status, number> = new Map([
  [Status.UNAVAILABLE, 503],
  [Status.UNIMPLEMENTED, 404],
  [Status.PERMISSION_DENIED, 403],
  [Status.UNAUTHENTICATED, 401],
  [Status.INTERNAL, 400],
]);

function actionOf(
  action: ForwardAction,
  { config }: MethodPath,
  hashHeader: string | null,
  kind: NodeKind,
  problems: Set<string>,
): Action {
  const timeoutMs = action.timeoutMs ?? config?.timeoutMs ?? null;
  const retry = action.retryPolicy ?? config?.retryPolicy ?? null;
  const retryPolicy = retry === null ? null : retryPolicyOf(retry, problems);
  if (kind === "grpc" && action.mirrors.length > 0) problems.add("mirrors: not for gRPC clients");
  return {
    ...clusterField(action, kind, problems),
    timeout: durationOf(0),
    ...(timeoutMs !== null && {
      maxStreamDuration: {
        maxStreamDuration: durationOf(timeoutMs),
        grpcTimeoutHeaderMax: durationOf(timeoutMs),
      },
    }),
    ...(retryPolicy !== null && { retryPolicy }),
    ...(hashHeader !== null && {
      hashPolicy: [{ policySpecifier: { case: "header", value: { headerName: hashHeader } } }],
    }),
    ...(kind !== "grpc" && {
      requestMirrorPolicies: action.mirrors.map(({ cluster, perMillion }) => ({
        cluster,
        runtimeFraction: { defaultValue: share(perMillion) },
        disableShadowHostSuffixAppend: true,
      })),
    }),
  };
}

function clusterField(
  { clusters }: ForwardAction,
  kind: NodeKind,
  problems: Set<string>,
): Pick<Action, "clusterSpecifier"> {
  const [first] = clusters;
  const isPlain = clusters.length === 1 && first!.request === null && first!.response === null;
  if (isPlain) return { clusterSpecifier: { case: "cluster", value: first!.cluster } };
  const list = clusters.map((one) => ({
    name: one.cluster,
    weight: one.weight,
    ...headerFields(one, kind, problems),
  }));
  return { clusterSpecifier: { case: "weightedClusters", value: { clusters: list } } };
}

/** Nothing of it for gRPC clients: they do not change headers. */
function headerFields(
  { request, response }: { request: HeaderChange | null; response: HeaderChange | null },
  kind: NodeKind,
  problems: Set<string>,
): HeaderFields {
  if (request === null && response === null) return {};
  if (kind === "grpc") {
    problems.add("header filters: not for gRPC clients");
    return {};
  }
  return {
    requestHeadersToAdd: additionsOf(request),
    requestHeadersToRemove: [...(request?.remove ?? [])],
    responseHeadersToAdd: additionsOf(response),
    responseHeadersToRemove: [...(response?.remove ?? [])],
  };
}

const APPEND_IF_EXISTS_OR_ADD = 0;
const OVERWRITE_IF_EXISTS_OR_ADD = 2;

function additionsOf(change: HeaderChange | null) {
  const fieldsOf = (appendAction: number) => {
    return ([key, value]: readonly [string, string]) => ({
      // "%" begins a command of Envoy; two stand for one.
      header: { key, value: value.replaceAll("%", "%%") },
      appendAction,
      keepEmptyValue: true,
    });
  };
  return [
    ...(change?.set ?? []).map(fieldsOf(OVERWRITE_IF_EXISTS_OR_ADD)),
    ...(change?.add ?? []).map(fieldsOf(APPEND_IF_EXISTS_OR_ADD)),
  ];
}
