/**
 * The messages of `grpc.health.v1`, mapped by hand: one field each.
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** `HealthCheckResponse.ServingStatus`; it may have others. */
export const ServingStatus = {
  UNKNOWN: 0,
  SERVING: 1,
  NOT_SERVING: 2,
  SERVICE_UNKNOWN: 3,
} as const;

const NAMES: readonly string[] = Object.keys(ServingStatus);

/** The name of a status for people. */
export function servingStatusName(status: number): string {
  return NAMES[status] ?? `status ${status}`;
}

/** The bytes of a `HealthCheckRequest`. */
export function encodeHealthRequest(service: string): Uint8Array {
  const writer = new BinaryWriter();
  if (service !== "") writer.tag(1, WireType.LengthDelimited).string(service);
  return writer.finish();
}

/** The status in a `HealthCheckResponse`; null when the bytes are none. */
export function decodeHealthResponse(bytes: Uint8Array): number | null {
  try {
    const reader = new BinaryReader(bytes);
    let status: number = ServingStatus.UNKNOWN;
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === 1 && type === WireType.Varint) status = reader.int32();
      else reader.skip(type, field);
    }
    return status;
  } catch {
    return null; // the library throws at bytes that end too soon
  }
}
