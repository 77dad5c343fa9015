/**
 * A client of CSDS (envoy.service.status.v3): what a control plane says of its nodes, or a client
 * of itself, as `proxy-status` shows it.
 *
 * https://www.envoyproxy.io/docs/envoy/latest/api-v3/service/status/v3/csds.proto: a server tells a
 * `config_status` per resource, a client a `client_status`.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createChannel } from "../client/index.ts";
import {
  type ClientConfig,
  type ClientConfig_GenericXdsConfig,
  ClientResourceStatus,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  ConfigStatus,
  shortTypeName,
} from "../xds/index.ts";
import type { NodeStatus, TypeStatus } from "./node-rows.ts";

/** How long the answer may take. */
const ANSWER_TIMEOUT_MS = 5000;
/** With 1,000 nodes of 100 resources each an answer has 10 MB. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

const FETCH = {
  path: "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus",
  encode: (): Uint8Array => toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema)),
  decode: (bytes: Uint8Array) => fromBinary(ClientStatusResponseSchema, bytes),
};

/** TLS towards it, as `createChannel` takes it. */
export type CsdsTls = NonNullable<Parameters<typeof createChannel>[1]>["tls"];

/**
 * Asks the server at `target`.
 * Rejects with GrpcError.
 */
export async function askCsds(target: string, tls: CsdsTls): Promise<NodeStatus[]> {
  const channel = createChannel(target, { tls, receiveBytesMax: ANSWER_BYTES_MAX });
  try {
    const { config } = await channel.unary(FETCH, undefined, { timeoutMs: ANSWER_TIMEOUT_MS });
    return config.map(nodeOf);
  } finally {
    channel.close();
  }
}

function nodeOf({ node, genericXdsConfigs }: ClientConfig): NodeStatus {
  const byType = new Map<string, ClientConfig_GenericXdsConfig[]>();
  for (const config of genericXdsConfigs) {
    const type = shortTypeName(config.typeUrl) ?? config.typeUrl;
    const known = byType.get(type);
    if (known === undefined) byType.set(type, [config]);
    else known.push(config);
  }
  const version = node?.userAgentVersionType;
  const agent = [
    node?.userAgentName ?? "",
    version?.case === "userAgentVersion" ? version.value : "",
  ];
  const kind = node?.metadata?.["fairlead.kind"];
  return {
    id: node?.id ?? "",
    kind: typeof kind === "string" ? kind : null,
    userAgent: agent.join(" ").trim() || null,
    address: null,
    zone: node?.locality?.zone || null,
    protocol: null,
    connectedMs: null,
    types: [...byType].map(([type, configs]) => typeOf(type, configs)),
  };
}

/** The worst of a type's resources is the type's state. */
const WORST_FIRST = ["NACKED", "STALE", "NOT SENT", "SYNCED", "UNKNOWN"];

function typeOf(type: string, configs: readonly ClientConfig_GenericXdsConfig[]): TypeStatus {
  const states = configs.map(stateOf);
  const errors = configs.flatMap(({ name, errorState }) =>
    errorState ? [`${name}: ${errorState.details}`] : [],
  );
  const [first] = configs.filter(({ versionInfo }) => versionInfo !== "");
  return {
    type,
    state: WORST_FIRST.find((state) => states.includes(state)) ?? "UNKNOWN",
    version: first?.versionInfo ?? null,
    ackLagMs: null,
    resources: states.filter((state) => state !== "NOT SENT").length,
    subscribed: configs.length,
    nacks: null,
    error: errors.length === 0 ? null : errors.join("; "),
    problems: [],
  };
}

const SERVER_STATES: Readonly<Record<ConfigStatus, string>> = {
  [ConfigStatus.UNKNOWN]: "UNKNOWN",
  [ConfigStatus.SYNCED]: "SYNCED",
  [ConfigStatus.NOT_SENT]: "NOT SENT",
  [ConfigStatus.STALE]: "STALE",
  [ConfigStatus.ERROR]: "NACKED",
};

function stateOf({
  configStatus,
  clientStatus,
  errorState,
}: ClientConfig_GenericXdsConfig): string {
  if (configStatus !== ConfigStatus.UNKNOWN) return SERVER_STATES[configStatus] ?? "UNKNOWN";
  if (clientStatus === ClientResourceStatus.ACKED) return "SYNCED";
  if (clientStatus === ClientResourceStatus.NACKED || errorState) return "NACKED";
  if (clientStatus === ClientResourceStatus.REQUESTED) return "NOT SENT";
  // It asked, and the server says that there is none: both agree.
  return clientStatus === ClientResourceStatus.DOES_NOT_EXIST ? "SYNCED" : "UNKNOWN";
}
