/**
 * ClientStatusDiscoveryService: how connected nodes stand, as `grpcdebug` and other tools ask.
 * https://www.envoyproxy.io/docs/envoy/latest/api-v3/service/status/v3/csds.proto
 *
 * The server's side of it: `config_status` of each resource that a node was sent. What is in a
 * resource is told only when one node is named, and never of certificates (SDS): their private keys
 * are for the proxies that serve them. An answer has room for so many bytes of it: resources beyond
 * that are told without contents. With `--authorize` a caller sees the nodes all of whose
 * namespaces are its own.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Clock } from "../../base/index.ts";
import { Status } from "../../grpc/index.ts";
import {
  CallRefusal,
  eachMethod,
  type GrpcMethod,
  type ServerCall,
  unaryMethod,
} from "../../server/index.ts";
import {
  ClientConfig_GenericXdsConfigSchema,
  ClientConfigSchema,
  ClientResourceStatus,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  ConfigStatus,
  NodeSchema,
  RESOURCE_TYPES,
} from "../../xds/index.ts";
import { namespacesOf } from "./authorize.ts";
import { CSDS_CONTENT_BYTES_MAX, CSDS_ENTRIES_MAX, CSDS_UNREAD_BYTES_MAX } from "./limits.ts";
import type { AdsStream } from "./stream.ts";
import type { Subscription, SyncState } from "./subscription.ts";
import { UnreadAnswers } from "./unread-answers.ts";

/** What is asked of the discovery service. */
export interface CsdsSource {
  readonly streams: ReadonlySet<AdsStream>;
}

const SERVICE = "/envoy.service.status.v3.ClientStatusDiscoveryService/";
/** A request names nodes. */
const REQUEST_BYTES_MAX = 65_536;

const CONFIG_STATUS: Readonly<Record<SyncState, ConfigStatus>> = {
  SYNCED: ConfigStatus.SYNCED,
  STALE: ConfigStatus.STALE,
  "NOT SENT": ConfigStatus.NOT_SENT,
  NACKED: ConfigStatus.ERROR,
};

/** For tools that read what a client would say of itself, such as grpcdebug. */
const CLIENT_STATUS: Readonly<Record<SyncState, ClientResourceStatus>> = {
  SYNCED: ClientResourceStatus.ACKED,
  STALE: ClientResourceStatus.REQUESTED,
  "NOT SENT": ClientResourceStatus.REQUESTED,
  NACKED: ClientResourceStatus.NACKED,
};

/** Both methods of the service. */
export function csdsMethods(source: CsdsSource, clock: Clock): readonly GrpcMethod[] {
  const unread = new UnreadAnswers(CSDS_UNREAD_BYTES_MAX);
  const answer = (request: Uint8Array, call: ServerCall) => {
    unread.requireRoom();
    return answerTo(request, call, source, clock);
  };
  return [
    unread.counted(unaryMethod(`${SERVICE}FetchClientStatus`, REQUEST_BYTES_MAX, answer)),
    unread.counted(eachMethod(`${SERVICE}StreamClientStatus`, REQUEST_BYTES_MAX, answer)),
  ];
}

function answerTo(
  bytes: Uint8Array,
  call: ServerCall,
  source: CsdsSource,
  clock: Clock,
): Uint8Array {
  const { ids, hasContents } = wantedOf(bytes);
  const streams = [...source.streams].filter((stream) => mayShow(stream, call, ids));
  let entries = 0;
  for (const { subscriptions } of streams) {
    for (const { sent } of subscriptions.values()) entries += sent.size;
  }
  if (entries > CSDS_ENTRIES_MAX) {
    const advice = "name nodes by node_matchers (node_id, exact)";
    const reason = `${entries} resources, more than ${CSDS_ENTRIES_MAX}: ${advice}`;
    throw new CallRefusal(Status.RESOURCE_EXHAUSTED, reason);
  }
  const now = timestampFromMs(clock.wallMs());
  const room: Room = { bytes: CSDS_CONTENT_BYTES_MAX };
  const config = streams.map((stream) =>
    create(ClientConfigSchema, {
      node: create(NodeSchema, { id: stream.node!.id, userAgentName: stream.node!.userAgent }),
      clientScope: stream.call.remote,
      genericXdsConfigs: [...stream.subscriptions.values()].flatMap((subscription) =>
        configsOf(subscription, hasContents, room, now),
      ),
    }),
  );
  return toBinary(ClientStatusResponseSchema, create(ClientStatusResponseSchema, { config }));
}

/** Bytes that may still be told: what is told is taken off. */
interface Room {
  bytes: number;
}

/** Whether there is room for so much, which is taken off then. */
function takeRoom(room: Room, bytes: number): boolean {
  if (bytes > room.bytes) return false;
  room.bytes -= bytes;
  return true;
}

function configsOf(
  subscription: Subscription,
  hasContents: boolean,
  room: Room,
  now: ReturnType<typeof timestampFromMs>,
) {
  const { type, sent, state, error } = subscription;
  const isShown = hasContents && type !== RESOURCE_TYPES.SDS;
  const errorBytes = Buffer.byteLength(error);
  return [...sent.values()].map(({ name, version, any }) => {
    const details = takeRoom(room, errorBytes) ? error : "";
    return create(ClientConfig_GenericXdsConfigSchema, {
      typeUrl: type,
      name,
      versionInfo: version,
      configStatus: CONFIG_STATUS[state],
      clientStatus: CLIENT_STATUS[state],
      ...(isShown && takeRoom(room, any.length) ? { xdsConfig: fromBinary(AnySchema, any) } : {}),
      ...(error === "" ? {} : { errorState: { details, lastUpdateAttempt: now } }),
    });
  });
}

/** Ids of the nodes that are asked for, null: all; and whether with contents. */
function wantedOf(bytes: Uint8Array) {
  let request: ReturnType<typeof parseRequest>;
  try {
    request = parseRequest(bytes);
  } catch {
    throw new CallRefusal(Status.INVALID_ARGUMENT, "not a ClientStatusRequest");
  }
  if (request.nodeMatchers.length === 0) return { ids: null, hasContents: false };
  const ids = new Set<string>();
  for (const { nodeId, nodeMetadatas } of request.nodeMatchers) {
    const pattern = nodeId?.matchPattern;
    if (nodeMetadatas.length > 0 || pattern?.case !== "exact") {
      const reason = "node_matchers: only node_id with an exact match is supported";
      throw new CallRefusal(Status.INVALID_ARGUMENT, reason);
    }
    ids.add(pattern.value);
  }
  return { ids, hasContents: !request.excludeResourceContents };
}

function parseRequest(bytes: Uint8Array) {
  return fromBinary(ClientStatusRequestSchema, bytes);
}

function mayShow(stream: AdsStream, call: ServerCall, ids: ReadonlySet<string> | null): boolean {
  const { node, namespaces } = stream;
  if (node === null || (ids !== null && !ids.has(node.id))) return false;
  if (namespaces === null) return true;
  const own = namespacesOf(call.peerNames ?? []);
  // It was sent what any of its namespaces may have: a caller of one may not have all of that.
  return namespaces.every((namespace) => own.includes(namespace));
}
