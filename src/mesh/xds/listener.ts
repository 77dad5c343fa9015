/**
 * LDS: a `Listener` as plain data, checked: that of a channel (`api_listener`), or one that a proxy
 * listens by. gRFCs A27, A39 (HTTP filters).
 */
import { fromBinary } from "@bufbuild/protobuf";
import type { ResourceKind } from "../../discovery/index.ts";
import type { RouteTable } from "../../routes/index.ts";
import {
  type DownstreamTlsContext,
  DownstreamTlsContextSchema,
  decoded,
  FieldProblem,
  type FilterChain,
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  type HttpFilter,
  hostPortOf,
  type Listener,
  ListenerSchema,
  Notes,
  RESOURCE_TYPES,
  type TlsContext,
  type TransportSocket,
  tlsContextOf,
  typeNameOf,
  unpack,
} from "../../xds/index.ts";
import { routeTableOf } from "./route-table.ts";

/** Where a table comes from. */
export type TableSource =
  | { readonly kind: "rds"; readonly name: string }
  | { readonly kind: "inline"; readonly table: RouteTable };

/** One filter chain that calls come by. */
export interface ChainResource {
  readonly serverNames: readonly string[];
  /** null: plaintext. */
  readonly tls: (TlsContext & { readonly wantsClientCertificate: boolean }) | null;
  readonly routes: TableSource;
}

/** What is said of a listener. Immutable. */
export interface ListenerResource {
  readonly name: string;
  /** null: of a channel. */
  readonly address: { readonly host: string; readonly port: number } | null;
  /** Empty: nothing that calls come by, such as a passthrough of TCP. */
  readonly chains: readonly ChainResource[];
  /** What was asked for and is not done, for people. */
  readonly notes: readonly string[];
}

/** LDS for an `XdsClient`. */
export const LISTENER_KIND: ResourceKind<ListenerResource> = {
  typeUrl: RESOURCE_TYPES.LDS,
  name: "LDS",
  isComplete: true,
  decode: (bytes) => {
    const message = fromBinary(ListenerSchema, bytes);
    return decoded(message.name, () => listenerOf(message));
  },
};

/** @throws FieldProblem */
function listenerOf(message: Listener): ListenerResource {
  const { name, apiListener } = message;
  const notes: string[] = [];
  if (apiListener !== undefined) {
    const path = "api_listener.api_listener";
    const any = apiListener.apiListener;
    const manager = any === undefined ? null : unpack(HttpConnectionManagerSchema, any, path);
    if (manager === null) throw new FieldProblem(path, "must be an HttpConnectionManager");
    const routes = tableSourceOf(manager, path, notes);
    return { name, address: null, chains: [{ serverNames: [], tls: null, routes }], notes };
  }
  const chains: ChainResource[] = [];
  const all = [
    ...message.filterChains.map((chain, i) => [chain, `filter_chains[${i}]`] as const),
    ...(message.defaultFilterChain === undefined
      ? []
      : [[message.defaultFilterChain, "default_filter_chain"] as const]),
  ];
  for (const [chain, path] of all) {
    const found = chainOf(chain, path, notes);
    if (found !== null) chains.push(found);
  }
  return { name, address: hostPortOf(message.address, "address"), chains, notes };
}

const HCM = HttpConnectionManagerSchema.typeName;

/** Null for a chain that no calls come by: other TCP passes a proxy without it. */
function chainOf(chain: FilterChain, path: string, notes: string[]): ChainResource | null {
  const last = chain.filters.at(-1);
  const any = last?.configType.case === "typedConfig" ? last.configType.value : undefined;
  if (any === undefined || typeNameOf(any) !== HCM) {
    const what = any === undefined ? (last?.name ?? "no filter") : typeNameOf(any);
    notes.push(`${path} is passed over: it ends with ${what}`);
    return null;
  }
  for (const { name } of chain.filters.slice(0, -1)) {
    notes.push(`network filter ${name} of ${path} is not applied`);
  }
  noteMatches(chain, path, notes);
  const manager = unpack(HttpConnectionManagerSchema, any, `${path}.filters`)!;
  return {
    serverNames: (chain.filterChainMatch?.serverNames ?? []).map((each) => each.toLowerCase()),
    tls: downstreamTlsOf(chain.transportSocket, `${path}.transport_socket`, notes),
    routes: tableSourceOf(manager, `${path}.filters`, notes),
  };
}

function noteMatches({ filterChainMatch: match }: FilterChain, path: string, notes: string[]) {
  if (match === undefined) return;
  const fields: readonly (readonly [string, boolean])[] = [
    ["destination_port", match.destinationPort !== undefined],
    ["prefix_ranges", match.prefixRanges.length > 0],
    ["source_prefix_ranges", match.sourcePrefixRanges.length > 0],
    ["direct_source_prefix_ranges", match.directSourcePrefixRanges.length > 0],
    ["source_ports", match.sourcePorts.length > 0],
    ["source_type", match.sourceType !== 0],
  ];
  // Without it the chain would be for connections that it is not for.
  for (const [name, isSet] of fields) {
    if (isSet) throw new FieldProblem(`${path}.filter_chain_match.${name}`, "is not supported");
  }
  if (match.applicationProtocols.length > 0) {
    notes.push(`application_protocols of ${path} do not select: HTTP/2 is spoken on all`);
  }
}

function downstreamTlsOf(
  socket: TransportSocket | undefined,
  path: string,
  notes: string[],
): ChainResource["tls"] {
  if (socket === undefined) return null;
  const any = socket.configType.case === "typedConfig" ? socket.configType.value : undefined;
  if (any === undefined) throw new FieldProblem(`${path}.typed_config`, "is missing");
  const context = unpack(DownstreamTlsContextSchema, any, path);
  if (context === null) {
    throw new FieldProblem(path, `is ${typeNameOf(any)}, which is not supported`);
  }
  const at = `${path}.common_tls_context`;
  if (context.commonTlsContext === undefined) throw new FieldProblem(at, "is missing");
  const tls = tlsContextOf(context.commonTlsContext, at);
  noteDownstream(context, tls, path, notes);
  const wantsClientCertificate = context.requireClientCertificate === true;
  if (tls.certificates.length === 0) throw new FieldProblem(at, "has no certificate");
  if (tls.expectedName !== null)
    throw new FieldProblem(at, "matches names of clients: not supported");
  if (wantsClientCertificate && tls.ca === null) {
    throw new FieldProblem(at, "requires client certificates and names no CA");
  }
  return { ...tls, wantsClientCertificate };
}

function noteDownstream(
  context: DownstreamTlsContext,
  tls: TlsContext,
  path: string,
  notes: string[],
): void {
  // A29: what is stricter than the default "compromises security" when it is ignored.
  if (context.requireSni === true)
    throw new FieldProblem(`${path}.require_sni`, "is not supported");
  if (context.ocspStaplePolicy !== 0) {
    throw new FieldProblem(`${path}.ocsp_staple_policy`, "must be LENIENT_STAPLING");
  }
  const own = new Notes();
  own.addSet(path, [
    ["session_ticket_keys", context.sessionTicketKeysType.case !== undefined],
    ["disable_stateful_session_resumption", context.disableStatefulSessionResumption],
    ["session_timeout", context.sessionTimeout !== undefined],
  ]);
  notes.push(...tls.notes, ...own.list());
}

function tableSourceOf(manager: HttpConnectionManager, path: string, notes: string[]): TableSource {
  checkFilters(manager.httpFilters, path, notes);
  const { routeSpecifier } = manager;
  if (routeSpecifier.case === "routeConfig") {
    return { kind: "inline", table: routeTableOf(routeSpecifier.value, `${path}.route_config`) };
  }
  if (routeSpecifier.case !== "rds") {
    throw new FieldProblem(`${path}.route_specifier`, "must be rds or route_config");
  }
  const { routeConfigName, configSource } = routeSpecifier.value;
  const where = configSource?.configSourceSpecifier.case;
  // config_source must be ads or self (A27).
  if (where !== "ads" && where !== "self") {
    throw new FieldProblem(`${path}.rds.config_source`, "must be ads or self");
  }
  if (routeConfigName === "") throw new FieldProblem(`${path}.rds.route_config_name`, "is missing");
  return { kind: "rds", name: routeConfigName };
}

const ROUTER = "envoy.extensions.filters.http.router.v3.Router";
/** Filters that Istio and Envoy's control planes add, which change no call that is let through. */
const HARMLESS: readonly string[] = [
  "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
  "envoy.extensions.filters.http.health_check.v3.HealthCheck",
  "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb",
];

/**
 * If a filter is not supported and is_optional is false, NACK (A39). The router filter must be the
 * last one (A27).
 */
function checkFilters(filters: readonly HttpFilter[], path: string, notes: string[]): void {
  const seen = new Set<string>();
  for (const [i, { name, isOptional, disabled, configType }] of filters.entries()) {
    const at = `${path}.http_filters[${i}]`;
    if (seen.has(name)) throw new FieldProblem(at, `has the name ${JSON.stringify(name)} again`);
    seen.add(name);
    const any = configType.case === "typedConfig" ? configType.value : undefined;
    const type = any === undefined ? name : typeNameOf(any);
    if (type === ROUTER) {
      if (i !== filters.length - 1) throw new FieldProblem(at, "is the router, and not the last");
      return;
    }
    if (!isOptional && !disabled && !HARMLESS.includes(type)) {
      throw new FieldProblem(at, `(${name}) is ${type}, which is not supported and not optional`);
    }
    notes.push(`HTTP filter ${name} is not applied`);
  }
  throw new FieldProblem(`${path}.http_filters`, "do not end with the router filter");
}
