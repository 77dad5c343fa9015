/**
 * Discovery responses as parts that many streams share, in protobuf's wire format.
 * https://protobuf.dev/programming-guides/encoding/
 *
 * A message is its fields one behind the other, in any order. So a resource is encoded once, the
 * few bytes in front of it once for each of the two protocols, and a response is a list of
 * references to them with a head and a nonce of its own. No message is read here.
 */
import type { Resource } from "../resources.ts";

/** A response: parts that follow each other, and their length. */
export interface Message {
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
}

/** Field numbers of envoy.service.discovery.v3. */
const Sotw = { VERSION_INFO: 1, RESOURCES: 2, TYPE_URL: 4, NONCE: 5 } as const;
const Delta = {
  SYSTEM_VERSION_INFO: 1,
  RESOURCES: 2,
  TYPE_URL: 4,
  NONCE: 5,
  REMOVED_RESOURCES: 6,
} as const;
const DeltaResource = { VERSION: 1, RESOURCE: 2, NAME: 3 } as const;
/** Wire type 2. */
const LENGTH_DELIMITED = 2;

/** What stands in front of a resource's Any, by protocol. */
interface Heads {
  sotw: Uint8Array | null;
  delta: Uint8Array | null;
}

const heads = new WeakMap<Resource, Heads>();

function headsOf(resource: Resource): Heads {
  let known = heads.get(resource);
  if (known === undefined) {
    known = { sotw: null, delta: null };
    heads.set(resource, known);
  }
  return known;
}

/** A DiscoveryResponse. */
export function sotwResponse(
  typeUrl: string,
  version: string,
  nonce: string,
  resources: readonly Resource[],
): Message {
  const head = Buffer.concat([
    textField(Sotw.VERSION_INFO, version),
    textField(Sotw.TYPE_URL, typeUrl),
    textField(Sotw.NONCE, nonce),
  ]);
  const parts: Uint8Array[] = [head];
  for (const resource of resources) {
    const known = headsOf(resource);
    known.sotw ??= prefix(Sotw.RESOURCES, resource.any.length);
    parts.push(known.sotw, resource.any);
  }
  return messageOf(parts);
}

/** A DeltaDiscoveryResponse. */
export function deltaResponse(
  typeUrl: string,
  version: string,
  nonce: string,
  resources: readonly Resource[],
  removed: readonly string[],
): Message {
  const head = Buffer.concat([
    textField(Delta.SYSTEM_VERSION_INFO, version),
    textField(Delta.TYPE_URL, typeUrl),
    textField(Delta.NONCE, nonce),
    ...removed.map((name) => textField(Delta.REMOVED_RESOURCES, name)),
  ]);
  const parts: Uint8Array[] = [head];
  for (const resource of resources) {
    const known = headsOf(resource);
    known.delta ??= deltaHead(resource);
    parts.push(known.delta, resource.any);
  }
  return messageOf(parts);
}

function deltaHead({ name, version, any }: Resource): Uint8Array {
  const inner = Buffer.concat([
    textField(DeltaResource.NAME, name),
    textField(DeltaResource.VERSION, version),
    prefix(DeltaResource.RESOURCE, any.length),
  ]);
  return Buffer.concat([prefix(Delta.RESOURCES, inner.length + any.length), inner]);
}

function messageOf(parts: readonly Uint8Array[]): Message {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return { parts, bytes };
}

function textField(field: number, text: string): Uint8Array {
  const value = Buffer.from(text, "utf8");
  return Buffer.concat([prefix(field, value.length), value]);
}

/** Tag and length of a length-delimited field. Field numbers here are below 16: one byte. */
function prefix(field: number, length: number): Uint8Array {
  const bytes = [(field << 3) | LENGTH_DELIMITED];
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
