/**
 * ClientStatusDiscoveryService of an xDS client: how each resource stands that it asked for.
 * gRFC A40, and A71 for several clients in one process.
 *
 * The client's side of it; what a control plane says of its nodes is in room `control`.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ResourceStatus, XdsClientStatus } from "../../../discovery/index.ts";
import { Status } from "../../../grpc/index.ts";
import { CallRefusal, eachMethod, type GrpcMethod, unaryMethod } from "../../../server/index.ts";
import {
  type ClientConfig_GenericXdsConfig,
  ClientConfig_GenericXdsConfigSchema,
  ClientConfigSchema,
  ClientResourceStatus,
  type ClientStatusRequest,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
} from "../../../xds/index.ts";
import { shownOf } from "./contents.ts";

/** One client of the process. */
export interface ScopedStatus {
  /** What it is for: its target, or what a proxy serves. */
  readonly scope: string;
  readonly status: XdsClientStatus;
}

/** A request has next to nothing in it. */
const REQUEST_BYTES_MAX = 65_536;
/** Contents of resources in one answer; those beyond are named without them. */
export const CLIENT_STATUS_CONTENT_BYTES_MAX = 16_777_216;

const SERVICE = "/envoy.service.status.v3.ClientStatusDiscoveryService/";

/** Both methods of the service. @param clients is called for each request. */
export function csdsMethods(clients: () => readonly ScopedStatus[]): readonly GrpcMethod[] {
  const answer = (request: Uint8Array) => clientStatusAnswer(request, clients());
  return [
    unaryMethod(`${SERVICE}FetchClientStatus`, REQUEST_BYTES_MAX, answer),
    eachMethod(`${SERVICE}StreamClientStatus`, REQUEST_BYTES_MAX, answer),
  ];
}

/** The bytes of a `ClientStatusResponse` to those of a request. @throws CallRefusal */
export function clientStatusAnswer(
  bytes: Uint8Array,
  clients: readonly ScopedStatus[],
): Uint8Array {
  const { nodeMatchers, excludeResourceContents } = requestOf(bytes);
  if (nodeMatchers.length > 0) {
    // A40: a client answers for itself, and refuses to be asked for others.
    throw new CallRefusal(Status.INVALID_ARGUMENT, "node_matchers: a client has one node, itself");
  }
  const room = { bytes: excludeResourceContents ? 0 : CLIENT_STATUS_CONTENT_BYTES_MAX };
  const config = clients.map(({ scope, status: { node, resources } }) =>
    create(ClientConfigSchema, {
      node,
      clientScope: scope,
      genericXdsConfigs: resources.map((each) => configOf(each, room)),
    }),
  );
  return toBinary(ClientStatusResponseSchema, create(ClientStatusResponseSchema, { config }));
}

function requestOf(bytes: Uint8Array): ClientStatusRequest {
  try {
    return fromBinary(ClientStatusRequestSchema, bytes);
  } catch {
    throw new CallRefusal(Status.INVALID_ARGUMENT, "not a ClientStatusRequest");
  }
}

const STATES: Readonly<Record<ResourceStatus["state"], ClientResourceStatus>> = {
  REQUESTED: ClientResourceStatus.REQUESTED,
  DOES_NOT_EXIST: ClientResourceStatus.DOES_NOT_EXIST,
  ACKED: ClientResourceStatus.ACKED,
  NACKED: ClientResourceStatus.NACKED,
};

/** @param room bytes that contents may still take; what is told is taken off. */
function configOf(status: ResourceStatus, room: { bytes: number }): ClientConfig_GenericXdsConfig {
  const { typeUrl, name, state, version, updatedMs, refused, bytes } = status;
  const shown = bytes !== null && bytes.length <= room.bytes ? shownOf(status) : null;
  room.bytes -= shown?.value.length ?? 0;
  return create(ClientConfig_GenericXdsConfigSchema, {
    ...{ typeUrl, name, clientStatus: STATES[state], versionInfo: version },
    ...(updatedMs === null ? {} : { lastUpdated: timestampFromMs(updatedMs) }),
    ...(shown === null ? {} : { xdsConfig: shown }),
    ...(refused === null
      ? {}
      : {
          errorState: {
            details: refused.reason,
            versionInfo: refused.version,
            lastUpdateAttempt: timestampFromMs(refused.atMs),
          },
        }),
  });
}
