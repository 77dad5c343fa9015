/**
 * The rules of metadata: which keys and values may be sent, and how binary ones are coded.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Custom-Metadata"
 *
 * Values as functions take and give them are strings (ASCII) or bytes (keys that end in "-bin").
 */

/** "Header-Name -> 1*( %x30-39 / %x61-7A / "_" / "-" / ".")" */
const KEY = /^[0-9a-z_.-]+$/;
/** "ASCII-Value -> 1*( %x20-%x7E ) ; space and printable ASCII" */
const VALUE = /^[ -~]*$/;

/** Names that the protocol itself owns, whoever sets them. */
const RESERVED: ReadonlySet<string> = new Set([
  "te",
  "content-type",
  "content-length",
  "user-agent",
  "host",
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "grpc-timeout",
  "grpc-encoding",
  "grpc-accept-encoding",
  "grpc-message-type",
  "grpc-status",
  "grpc-message",
]);

/** Whether a key holds bytes. */
export function isBinaryKey(key: string): boolean {
  return key.endsWith("-bin");
}

/**
 * What is wrong with a key that a user wants to send, as a clause, or "". Keys are in lower case.
 */
export function metadataKeyProblem(key: string): string {
  if (!KEY.test(key)) return "may hold a-z, 0-9, _, - and . only";
  return isReservedKey(key) ? "is the protocol's own" : "";
}

/**
 * Whether the protocol itself owns the key: such entries of users are not sent. Not all of "grpc-":
 * tracing puts its context into "grpc-trace-bin".
 */
export function isReservedKey(key: string): boolean {
  return RESERVED.has(key);
}

/** What is wrong with an ASCII value, as a clause, or "". */
export function metadataValueProblem(value: string): string {
  return VALUE.test(value) ? "" : "holds characters that are not printable ASCII";
}

/** Bytes as they are sent: base64; "implementations ... should emit un-padded values". */
export function encodeBinaryValue(bytes: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = bytes;
  const text = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
  return text.replace(/=+$/, "");
}

/**
 * The values in one field of a binary key: "implementations MUST split Binary-Headers on commas
 * before decoding", and take both padded and un-padded ones. What is no base64 is skipped.
 */
export function decodeBinaryValues(field: string): Buffer[] {
  if (!field.includes(",")) return [Buffer.from(field, "base64")];
  return field.split(",").map((value) => Buffer.from(value.trim(), "base64"));
}
