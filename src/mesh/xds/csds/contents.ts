/**
 * What of a resource may be shown to whoever can reach a port: never a key, a password, or a part
 * of which we do not know what it holds.
 *
 * What is kept is listed, not what is left out: extensions of any type may hold secrets. Fields
 * that this program does not know are left out as well.
 */
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { ResourceStatus } from "../../../discovery/index.ts";
import {
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  DownstreamTlsContextSchema,
  HttpConnectionManagerSchema,
  ListenerSchema,
  RESOURCE_TYPES,
  RouteConfigurationSchema,
  typeNameOf,
  UpstreamTlsContextSchema,
} from "../../../xds/index.ts";

/** A resource as it is shown; its type and bytes. */
export interface ShownResource {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** Of certificates (SDS) nothing is shown. */
const RESOURCES: Readonly<Record<string, DescMessage>> = {
  [RESOURCE_TYPES.LDS]: ListenerSchema,
  [RESOURCE_TYPES.RDS]: RouteConfigurationSchema,
  [RESOURCE_TYPES.CDS]: ClusterSchema,
  [RESOURCE_TYPES.EDS]: ClusterLoadAssignmentSchema,
};

/** Extensions that are shown in part, by the name of their type. */
const WALKED = new Map<string, DescMessage>(
  [HttpConnectionManagerSchema, DownstreamTlsContextSchema, UpstreamTlsContextSchema].map(
    (schema) => [schema.typeName, schema],
  ),
);

/** Extensions that are shown as they are: they have settings and nothing else. */
const PLAIN: readonly string[] = [
  "envoy.extensions.load_balancing_policies.",
  "envoy.extensions.clusters.aggregate.",
  "envoy.extensions.filters.http.router.",
];

/** `google.protobuf.Any`. */
interface Extension {
  readonly typeUrl: string;
  value: Uint8Array;
}

const NOTHING = new Uint8Array();
const TLS_CERTIFICATE = "envoy.extensions.transport_sockets.tls.v3.TlsCertificate";
const TICKET_KEYS = "envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys";

/** Null when nothing of it may be shown, or nothing is had. */
export function shownOf({ typeUrl, bytes }: ResourceStatus): ShownResource | null {
  const schema = RESOURCES[typeUrl];
  if (schema === undefined || bytes === null) return null;
  return { typeUrl, value: cleaned(schema, bytes) };
}

function cleaned<T extends DescMessage>(schema: T, bytes: Uint8Array): Uint8Array {
  const message: MessageShape<T> = fromBinary(schema, bytes);
  clean(message);
  return toBinary(schema, message, { writeUnknownFields: false });
}

/** Messages, lists, maps and the cases of a oneof alike; bytes have nothing below them. */
function clean(value: unknown): void {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return;
  if (isOf<Extension>(value, "google.protobuf.Any")) cleanAny(value);
  else if (isOf<Record<string, unknown>>(value, TLS_CERTIFICATE))
    keepOnly(value, "certificateChain");
  else if (isOf<Record<string, unknown>>(value, TICKET_KEYS)) keepOnly(value, "");
  else for (const each of Object.values(value)) clean(each);
}

function isOf<T>(value: object, typeName: string): value is object & T {
  return (value as { readonly $typeName?: string }).$typeName === typeName;
}

function cleanAny(any: Extension): void {
  const name = typeNameOf(any);
  if (PLAIN.some((prefix) => name.startsWith(prefix))) return;
  const schema = WALKED.get(name);
  any.value = schema === undefined ? NOTHING : tryCleaned(schema, any.value);
}

/** A part that nobody had use for may be no message of its type. */
function tryCleaned(schema: DescMessage, bytes: Uint8Array): Uint8Array {
  try {
    return cleaned(schema, bytes);
  } catch {
    return NOTHING;
  }
}

/** Fields of messages are absent, empty or what they are: deleting one makes it absent. */
function keepOnly(message: Record<string, unknown>, field: string): void {
  for (const key of Object.keys(message)) {
    if (key === "$typeName" || key === field) continue;
    if (Array.isArray(message[key])) message[key] = [];
    else delete message[key];
  }
}
