/**
 * The coding of `grpc-message`: UTF-8, then percent-encoding of all but printable ASCII.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Responses"
 *
 * A relay passes the field on as it came; this is for messages that we write or show.
 */

/**
 * The most that we send, encoded. Clients may limit trailers to 8 KiB, and a message that is
 * refused for its length tells nobody anything.
 */
export const GRPC_MESSAGE_BYTES_MAX = 1024;

const ENCODER = new TextEncoder();
/** A byte order mark is text here like any other. */
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
const CUT_MARK = "...";
/** Space is allowed, but not at the ends: RFC 9113 §8.2.1 makes such a field malformed. */
const PLAIN = /^(?:[\x21-\x24\x26-\x7e](?:[\x20-\x24\x26-\x7e]*[\x21-\x24\x26-\x7e])?)?$/;

/**
 * Encodes a message for the field `grpc-message`. The result is at most 1 KiB; a longer message is
 * cut between two characters and ends in "...".
 */
export function encodeGrpcMessage(message: string): string {
  if (message.length <= GRPC_MESSAGE_BYTES_MAX && PLAIN.test(message)) return message;
  const room = GRPC_MESSAGE_BYTES_MAX - CUT_MARK.length;
  let encoded = "";
  let cutAt = 0; // the longest prefix that leaves room for the mark
  let index = 0;
  for (const char of message) {
    index += char.length;
    encoded += encodeChar(char, index === char.length || index === message.length);
    if (encoded.length <= room) cutAt = encoded.length;
    if (encoded.length > GRPC_MESSAGE_BYTES_MAX) return encoded.slice(0, cutAt) + CUT_MARK;
  }
  return encoded;
}

/**
 * Decodes the field `grpc-message` as far as it makes sense: "implementations MUST NOT error or
 * throw away the message". Broken escapes stay as they are; bytes that are not UTF-8 become U+FFFD.
 */
export function decodeGrpcMessage(field: string): string {
  if (!field.includes("%")) return field;
  return field.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    const bytes = new Uint8Array(escapes.length / 3);
    for (let i = 0; i < bytes.length; i += 1) {
      bytes[i] = Number.parseInt(escapes.slice(3 * i + 1, 3 * i + 3), 16);
    }
    return DECODER.decode(bytes);
  });
}

function encodeChar(char: string, isAtEnd: boolean): string {
  if (char >= " " && char <= "~" && char !== "%" && !(char === " " && isAtEnd)) return char;
  let encoded = "";
  for (const byte of ENCODER.encode(char)) {
    encoded += `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
