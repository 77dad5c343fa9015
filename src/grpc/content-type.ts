/** Telling gRPC requests from others by their content type. */

const PREFIX = "application/grpc";

/**
 * Whether a `content-type` field says gRPC: "application/grpc", with a "+proto" or other format, or
 * with parameters. Not "application/grpc-web", which is another protocol. Null, for no such field,
 * is no gRPC.
 */
export function isGrpcContentType(value: string | null | undefined): boolean {
  if (value === null || value === undefined || value.length < PREFIX.length) return false;
  // RFC 9110 §8.3.1: "type and subtype tokens are case-insensitive"; in life they are lower case.
  const isPrefixed =
    value.startsWith(PREFIX) || value.slice(0, PREFIX.length).toLowerCase() === PREFIX;
  if (!isPrefixed || value.length === PREFIX.length) return isPrefixed;
  const next = value[PREFIX.length];
  return next === "+" || next === ";" || next === " " || next === "\t";
}
