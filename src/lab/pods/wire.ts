/**
 * Protobuf by hand, as much of it as the lab's pods speak: fields of varints, and of bytes or text
 * with a length (protobuf.dev, "Encoding"). It imports no library, because every pod loads it.
 *
 * Not a parser of protobuf: there are no schemas here, and what is malformed reads as what came
 * before it.
 */

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;
/** Groups (3 and 4) are of the past, and nothing has them here. */
const SIZED: readonly number[] = [FIXED64, LENGTH_DELIMITED, FIXED32];
/** Of 7 bits each: numbers here are lengths, tags and codes, which 32 bits hold. */
const VARINT_BYTES_MAX = 5;

/** A field as it came: a number of a varint, or bytes. */
export interface WireField {
  readonly number: number;
  readonly value: number | Buffer;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** A field: of a number as varint, of a text or bytes with their length. */
export function field(number: number, value: number | string | Uint8Array): Buffer {
  if (typeof value === "number") {
    return Buffer.concat([varint(number * 8 + VARINT), varint(value)]);
  }
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([varint(number * 8 + LENGTH_DELIMITED), varint(bytes.length), bytes]);
}

/** The fields of a message in order, up to the first that is malformed; fixed ones are left out. */
export function fieldsOf(bytes: Buffer): readonly WireField[] {
  const fields: WireField[] = [];
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let index = 0; index < VARINT_BYTES_MAX; index += 1) {
      const byte = bytes[at + index];
      if (byte === undefined) return Number.NaN;
      value += (byte & 0x7f) * 0x80 ** index;
      if (byte < 0x80) {
        at += index + 1;
        return value;
      }
    }
    return Number.NaN;
  };
  while (at < bytes.length) {
    const tag = next();
    const [number, type] = [Math.floor(tag / 8), tag % 8];
    const value = type === FIXED64 ? 8 : type === FIXED32 ? 4 : next();
    if (Number.isNaN(value)) break;
    if (type === VARINT) {
      fields.push({ number, value });
      continue;
    }
    if (!SIZED.includes(type) || at + value > bytes.length) break;
    if (type === LENGTH_DELIMITED) fields.push({ number, value: bytes.subarray(at, at + value) });
    at += value;
  }
  return fields;
}

/** A message with a text in field 1; no bytes for "", which is its default. */
export function encodeText(text: string): Buffer {
  return text === "" ? Buffer.alloc(0) : field(1, text);
}

/** The text in field 1 (the last one, as protobuf has it), or "". */
export function decodeText(bytes: Buffer): string {
  const last = fieldsOf(bytes).findLast(
    ({ number, value }) => number === 1 && value instanceof Buffer,
  );
  return last === undefined ? "" : last.value.toString();
}
