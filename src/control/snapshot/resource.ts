/**
 * How resources are made: messages to bytes, bytes to a resource with its version.
 *
 * Encoding is deterministic (fields by number, maps unused or of one entry), so equal content is an
 * equal version on every replica.
 */
import { hash } from "node:crypto";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type Any, anyPack, type Duration } from "@bufbuild/protobuf/wkt";
import type { ResourceType } from "../../xds/index.ts";
import type { Resource } from "../resources.ts";

/** Of a version, which is shown as hexadecimal digits: 64 bits of SHA-256. */
const VERSION_BYTES = 8;
const NO_PROBLEMS: readonly string[] = Object.freeze([]);

/** A resource of these bytes. */
export function resourceOf(
  type: ResourceType,
  name: string,
  body: Uint8Array,
  problems: readonly string[] = NO_PROBLEMS,
): Resource {
  // google.protobuf.Any: type_url = 1, value = 2.
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).string(type);
  const any = writer.tag(2, WireType.LengthDelimited).bytes(body).finish();
  // A slice of the whole hash's text would keep all of it.
  const version = hash("sha256", any, "buffer").toString("hex", 0, VERSION_BYTES);
  return Object.freeze({ name, version, any, problems });
}

/** The bytes of a message that is given by its fields. */
export function encode<D extends DescMessage>(
  schema: D,
  fields: NoInfer<MessageInitShape<D>>,
): Uint8Array {
  return toBinary(schema, create(schema, fields));
}

/** A message inside another, as `google.protobuf.Any`. */
export function packed<D extends DescMessage>(
  schema: D,
  fields: NoInfer<MessageInitShape<D>>,
): Any {
  return anyPack(schema, create(schema, fields));
}

/** Longest that Envoy takes, 292 years: it counts nanoseconds in 63 bits, protobuf does not. */
const DURATION_SECONDS_MAX = 9_223_372_035;

/** A time as protobuf has it. */
export function durationOf(ms: number): Pick<Duration, "seconds" | "nanos"> {
  const seconds = Math.floor(ms / 1000);
  if (seconds > DURATION_SECONDS_MAX) return { seconds: BigInt(DURATION_SECONDS_MAX), nanos: 0 };
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1e6) };
}

/** "By this very stream": where further resources come from. */
export const FROM_ADS = {
  resourceApiVersion: 2, // V3
  configSourceSpecifier: { case: "ads", value: {} },
} as const;
