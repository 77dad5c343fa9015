/**
 * The four messages of ADS, and nothing of what resources mean.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
 */
import { create, fromBinary, type JsonObject, toBinary } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  type Node,
  NodeSchema,
  ResourceSchema,
  StatusSchema,
} from "../../../xds/index.ts";
import type { XdsNode } from "../bootstrap/bootstrap.ts";

/** `google.rpc.Code.INVALID_ARGUMENT`, which a NACK carries. */
const INVALID_ARGUMENT = 3;
/** "xds.config.resource-in-sotw": we take resources that are wrapped in `Resource`. */
const CLIENT_FEATURES = ["xds.config.resource-in-sotw"];
const WRAPPED = "type.googleapis.com/envoy.service.discovery.v3.Resource";

/** What is asked of a type, state of the world. */
export interface SotwRequest {
  /** With the first request of a stream only. */
  readonly node: Node | null;
  readonly typeUrl: string;
  readonly names: readonly string[];
  /** The last version that was accepted; "" for none. */
  readonly version: string;
  readonly nonce: string;
  /** Why the answer with that nonce is refused; null when it is not. */
  readonly problem: string | null;
}

/** What is asked of a type, by difference. */
export interface DeltaRequest {
  readonly node: Node | null;
  readonly typeUrl: string;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** What is had already, by name; with the first request of the type on a stream only. */
  readonly versions: Readonly<Record<string, string>>;
  readonly nonce: string;
  readonly problem: string | null;
}

/** One resource of an answer. */
export interface WireResource {
  /** "" when only the resource itself says it. */
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
}

/** An answer of either form. */
export interface AdsResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  /** Of the whole; "" by difference. */
  readonly version: string;
  readonly resources: readonly WireResource[];
  /** Names that are gone; always empty for state of the world. */
  readonly removed: readonly string[];
}

/** The node as the server is told. @param version of this program. */
export function nodeOf({ id, cluster, locality, metadata }: XdsNode, version: string): Node {
  return create(NodeSchema, {
    id,
    cluster,
    locality,
    metadata: metadata as JsonObject,
    userAgentName: "fairlead",
    userAgentVersionType: { case: "userAgentVersion", value: version },
    clientFeatures: CLIENT_FEATURES,
  });
}

function detailOf(problem: string | null) {
  if (problem === null) return {};
  return { errorDetail: create(StatusSchema, { code: INVALID_ARGUMENT, message: problem }) };
}

/** The bytes of a `DiscoveryRequest`. */
export function encodeSotw(request: SotwRequest): Uint8Array {
  const { node, typeUrl, names, version, nonce, problem } = request;
  const message = create(DiscoveryRequestSchema, {
    typeUrl,
    resourceNames: [...names],
    versionInfo: version,
    responseNonce: nonce,
    ...(node === null ? {} : { node }),
    ...detailOf(problem),
  });
  return toBinary(DiscoveryRequestSchema, message);
}

/** The bytes of a `DeltaDiscoveryRequest`. */
export function encodeDelta(request: DeltaRequest): Uint8Array {
  const { node, typeUrl, subscribe, unsubscribe, versions, nonce, problem } = request;
  const message = create(DeltaDiscoveryRequestSchema, {
    typeUrl,
    resourceNamesSubscribe: [...subscribe],
    resourceNamesUnsubscribe: [...unsubscribe],
    initialResourceVersions: { ...versions },
    responseNonce: nonce,
    ...(node === null ? {} : { node }),
    ...detailOf(problem),
  });
  return toBinary(DeltaDiscoveryRequestSchema, message);
}

/** A `DiscoveryResponse`; null when the bytes are none. */
export function decodeSotw(bytes: Uint8Array): AdsResponse | null {
  try {
    const {
      typeUrl,
      nonce,
      versionInfo: version,
      resources,
    } = fromBinary(DiscoveryResponseSchema, bytes);
    const list = resources.map((any) => unwrapped(any.typeUrl, any.value, version));
    return { typeUrl, nonce, version, resources: list, removed: [] };
  } catch {
    return null; // the library throws at bytes that make no sense
  }
}

function unwrapped(typeUrl: string, value: Uint8Array, version: string): WireResource {
  if (typeUrl !== WRAPPED) return { name: "", version, bytes: value };
  const { name, resource } = fromBinary(ResourceSchema, value);
  return { name, version, bytes: resource?.value ?? new Uint8Array() };
}

/** A `DeltaDiscoveryResponse`; null when the bytes are none. */
export function decodeDelta(bytes: Uint8Array): AdsResponse | null {
  try {
    const {
      typeUrl,
      nonce,
      resources,
      removedResources: removed,
    } = fromBinary(DeltaDiscoveryResponseSchema, bytes);
    const list = resources.map(({ name, version, resource }) => ({
      name,
      version,
      bytes: resource?.value ?? new Uint8Array(),
    }));
    return { typeUrl, nonce, version: "", resources: list, removed };
  } catch {
    return null;
  }
}
