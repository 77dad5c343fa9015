/**
 * The one gRPC method of the lab: `/fairlead.lab.Echo/Say`, answered with the name of the pod.
 *
 * Not a code generator's output: both messages hold one string in field 1, so each is written by
 * hand as the protobuf it is (any gRPC tool can call a lab pod). It imports no library, because
 * every pod process loads it.
 *
 *     service Echo { rpc Say(SayRequest) returns (SayReply); }
 *     message SayRequest { string from = 1; }
 *     message SayReply   { string pod  = 1; }
 */

/** Field 1, wire type 2 (length-delimited). */
const TAG = 0x0a;
/** A length below this is one byte as a protobuf varint; names are cut to it. */
const NAME_BYTES_MAX = 127;

/** Path of the method, as in `:path`. */
const SAY_PATH = "/fairlead.lab.Echo/Say";

/** A message with `name` in field 1. A name longer than 127 bytes is cut. */
export function encodeName(name: string): Buffer {
  const text = Buffer.from(name).subarray(0, NAME_BYTES_MAX);
  return Buffer.concat([Buffer.from([TAG, text.length]), text]);
}

/** The string in field 1, or "" when the bytes are no such message. */
export function decodeName(bytes: Buffer): string {
  if (bytes.length < 2 || bytes[0] !== TAG || bytes[1]! > NAME_BYTES_MAX) return "";
  return bytes.toString("utf8", 2, 2 + bytes[1]!);
}

/** The service as `@grpc/grpc-js` wants it; requests and replies are names. */
export const ECHO_SERVICE = {
  say: {
    path: SAY_PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: encodeName,
    requestDeserialize: decodeName,
    responseSerialize: encodeName,
    responseDeserialize: decodeName,
  },
} as const;
