/**
 * Frames for tests: bytes from commented hex or from builders, and bytes back to lines of text.
 *
 * Nothing here is shared with the engine but its tables of names, so that a mistake there is not
 * repeated here. RFC 9113 §4.1, §6.
 */
import { ErrorCode } from "../../src/http2/error-code.ts";
import { ModelDecoder, plainBlock } from "./http2-hpack-model.ts";

/** Flags by the names that tests use. */
export const END_STREAM = 0x1;
/** On SETTINGS and PING. */
export const ACK = 0x1;
/** On HEADERS and CONTINUATION. */
export const END_HEADERS = 0x4;
/** On DATA and HEADERS. */
export const PADDED = 0x8;
/** On HEADERS. */
export const PRIORITY = 0x20;

/** The client's connection preface. RFC 9113 §3.4. */
export const PREFACE_TEXT = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Anything that stands for bytes: commented hex, or the bytes. */
export type Bytes = string | Uint8Array | readonly number[];

/** Bytes of `text`: hex digits, spaces, and comments from `;` to the end of a line. */
export function hex(text: string): Uint8Array {
  const digits = text.replace(/;[^\n]*/g, "").replace(/\s+/g, "");
  if (!/^([0-9a-fA-F]{2})*$/.test(digits)) throw new RangeError(`not hex: ${text}`);
  return new Uint8Array(Buffer.from(digits, "hex"));
}

/** Bytes of anything. */
export function toBytes(bytes: Bytes): Uint8Array {
  return typeof bytes === "string" ? hex(bytes) : Uint8Array.from(bytes);
}

/** Joins parts into one piece. */
export function join(...parts: readonly Bytes[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map(toBytes)));
}

/** Bytes of text, one per UTF-16 unit. */
export function ascii(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

/** An unsigned integer in `count` bytes. */
export function uint(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.floor(value / 256 ** (count - 1 - i)) % 256);
}

/** One frame of any kind, right or wrong. `length` overrides what the head says. */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Bytes = [],
  length?: number,
): Uint8Array {
  const body = toBytes(payload);
  return join(uint(length ?? body.length, 3), [type, flags], uint(streamId, 4), body);
}

/** DATA; text is taken byte by byte. */
export function data(streamId: number, payload: string | Uint8Array, flags = 0): Uint8Array {
  return frame(0x0, flags, streamId, typeof payload === "string" ? ascii(payload) : payload);
}

/** DATA with `padding` bytes of padding. */
export function paddedData(streamId: number, text: string, padding: number, flags = 0): Uint8Array {
  const payload = join([padding], ascii(text), new Uint8Array(padding));
  return frame(0x0, PADDED | flags, streamId, payload);
}

/** Fields as [name, value]. */
export type Pairs = readonly (readonly [string, string])[];

/** HEADERS with END_HEADERS: a block of plain literals, or the bytes of a block. */
export function headers(streamId: number, block: Pairs | Uint8Array, flags = 0): Uint8Array {
  const bytes = block instanceof Uint8Array ? block : plainBlock(block);
  return frame(0x1, END_HEADERS | flags, streamId, bytes);
}

/** HEADERS and CONTINUATIONs of the parts of one block. */
export function splitHeaders(streamId: number, parts: readonly Bytes[], flags = 0): Uint8Array {
  const last = parts.length - 1;
  return join(
    ...parts.map((part, i) =>
      frame(
        i === 0 ? 1 : 9,
        (i === 0 ? flags : 0) | (i === last ? END_HEADERS : 0),
        streamId,
        part,
      ),
    ),
  );
}

/** PRIORITY. RFC 9113 §6.3. */
export function priority(streamId: number, dependency: number): Uint8Array {
  return frame(0x2, 0, streamId, [...uint(dependency, 4), 15]);
}

/** RST_STREAM. */
export function rstStream(streamId: number, code: number): Uint8Array {
  return frame(0x3, 0, streamId, uint(code, 4));
}

/** Identifiers of settings. RFC 9113 §6.5.2. */
export const SETTING = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

/** SETTINGS with [identifier, value] entries. */
export function settings(...entries: readonly (readonly [number, number])[]): Uint8Array {
  return frame(
    0x4,
    0,
    0,
    entries.flatMap(([id, value]) => [...uint(id, 2), ...uint(value, 4)]),
  );
}

/** The ACK of SETTINGS. */
export const SETTINGS_ACK: Uint8Array = frame(0x4, ACK, 0);

/** PING with eight bytes. */
export function ping(payload = "0102030405060708", flags = 0): Uint8Array {
  return frame(0x6, flags, 0, hex(payload));
}

/** GOAWAY. */
export function goaway(lastStreamId: number, code: number, debug = ""): Uint8Array {
  return frame(0x7, 0, 0, [...uint(lastStreamId, 4), ...uint(code, 4), ...ascii(debug)]);
}

/** WINDOW_UPDATE. */
export function windowUpdate(streamId: number, increment: number): Uint8Array {
  return frame(0x8, 0, streamId, uint(increment, 4));
}

/** A good request without a body of its own: add END_STREAM where it has none. */
export const REQUEST: Pairs = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/s/m"],
  [":authority", "a"],
];

/** A good response. */
export const RESPONSE: Pairs = [[":status", "200"]];

const CODE_NAMES = Object.keys(ErrorCode);
const SETTING_NAMES = ["", ...Object.keys(SETTING)];
const UINT = (bytes: Buffer, pos: number, count: number): number => bytes.readUIntBE(pos, count);

/**
 * Reads frames and says each as one line, such as `GOAWAY last=0 code=PROTOCOL_ERROR "why"`.
 * CONTINUATIONs are joined to their HEADERS; DATA frames in a row of one stream become one line.
 */
export class FrameReader {
  /** The lines so far. */
  lines: string[] = [];
  /** Bytes of a preface that are still to come before the first frame. */
  prefaceLeft: number;
  /** Payload bytes of DATA by stream, for those who count. */
  readonly dataBytes = new Map<number, number>();
  /** What was granted by WINDOW_UPDATE, by stream. */
  readonly granted = new Map<number, number>();
  /** Frames by type. */
  readonly counts = new Map<number, number>();
  /** The largest payload. */
  payloadBytesMax = 0;
  readonly #hpack: ModelDecoder;
  #held = Buffer.alloc(0);
  #block: Buffer | null = null;
  #blockFlags = 0;
  #data: { streamId: number; parts: Buffer[] } | null = null;

  constructor(isWithPreface: boolean, hpackTableBytes = 4_096) {
    this.prefaceLeft = isWithPreface ? PREFACE_TEXT.length : 0;
    this.#hpack = new ModelDecoder(hpackTableBytes);
  }

  /** The state of the peer's dynamic table. */
  get hpack(): ModelDecoder {
    return this.#hpack;
  }

  /** Whether everything pushed was whole frames. */
  get isAtBoundary(): boolean {
    return this.#held.length === 0 && this.#block === null;
  }

  push(bytes: Uint8Array): void {
    this.#held = Buffer.concat([this.#held, bytes]);
    const skip = Math.min(this.prefaceLeft, this.#held.length);
    if (skip > 0) {
      const from = PREFACE_TEXT.length - this.prefaceLeft;
      const expected = PREFACE_TEXT.slice(from, from + skip);
      if (this.#held.toString("latin1", 0, skip) !== expected) throw new Error("no preface");
      this.prefaceLeft -= skip;
      this.#held = this.#held.subarray(skip);
    }
    while (this.#held.length >= 9) {
      const length = UINT(this.#held, 0, 3);
      if (this.#held.length < 9 + length) break;
      const head = this.#held.subarray(0, 9);
      const payload = this.#held.subarray(9, 9 + length);
      this.#held = this.#held.subarray(9 + length);
      this.#read(head[3]!, head[4]!, UINT(head, 5, 4), payload);
    }
  }

  /** The lines since the last call. */
  take(): string[] {
    this.#flushData();
    const { lines } = this;
    this.lines = [];
    return lines;
  }

  #read(type: number, flags: number, streamId: number, payload: Buffer): void {
    this.counts.set(type, (this.counts.get(type) ?? 0) + 1);
    this.payloadBytesMax = Math.max(this.payloadBytesMax, payload.length);
    if (type === 0x0) {
      this.#readData(flags, streamId, payload);
      return;
    }
    this.#flushData();
    if (type === 0x1 || type === 0x9) this.#readBlock(type, flags, streamId, payload);
    else this.lines.push(this.#describe(type, flags, streamId, payload));
  }

  #readData(flags: number, streamId: number, payload: Buffer): void {
    if ((flags & ~END_STREAM) !== 0) throw new Error(`DATA with flags ${flags}`);
    this.dataBytes.set(streamId, (this.dataBytes.get(streamId) ?? 0) + payload.length);
    if (this.#data?.streamId !== streamId) this.#flushData();
    this.#data ??= { streamId, parts: [] };
    this.#data.parts.push(payload);
    if ((flags & END_STREAM) !== 0) this.#flushData(" END_STREAM");
  }

  #flushData(suffix = ""): void {
    if (this.#data === null) return;
    const { streamId, parts } = this.#data;
    this.#data = null;
    this.lines.push(`DATA ${streamId} ${dataText(Buffer.concat(parts))}${suffix}`);
  }

  #readBlock(type: number, flags: number, streamId: number, payload: Buffer): void {
    if ((type === 0x1) !== (this.#block === null)) throw new Error("a block out of order");
    if (type === 0x1) this.#blockFlags = flags;
    this.#block = Buffer.concat([this.#block ?? Buffer.alloc(0), payload]);
    if ((flags & END_HEADERS) === 0) return;
    const fields = this.#hpack.decode(this.#block);
    this.#block = null;
    const texts = fields.map(({ name, value, isNever }) => `${isNever ? "!" : ""}${name}=${value}`);
    const end = (this.#blockFlags & END_STREAM) !== 0 ? " END_STREAM" : "";
    this.lines.push(`HEADERS ${streamId} ${texts.join(" ")}${end}`);
  }

  #describe(type: number, flags: number, streamId: number, payload: Buffer): string {
    switch (type) {
      case 0x3:
        return `RST_STREAM ${streamId} ${codeName(UINT(payload, 0, 4))}`;
      case 0x4:
        return flags === ACK ? "SETTINGS ACK" : `SETTINGS ${settingsText(payload)}`.trimEnd();
      case 0x6:
        return `PING${flags === ACK ? " ACK" : ""} ${payload.toString("hex")}`;
      case 0x7: {
        const debug = payload.subarray(8).toString();
        const code = codeName(UINT(payload, 4, 4));
        const text = debug === "" ? "" : ` "${debug}"`;
        return `GOAWAY last=${UINT(payload, 0, 4)} code=${code}${text}`;
      }
      case 0x8: {
        const increment = UINT(payload, 0, 4);
        this.granted.set(streamId, (this.granted.get(streamId) ?? 0) + increment);
        return `WINDOW_UPDATE ${streamId} +${increment}`;
      }
      default:
        return `type=${type} flags=${flags} stream=${streamId} ${payload.toString("hex")}`;
    }
  }
}

/** Short payloads as text, long ones by their length. */
export function dataText(bytes: Uint8Array): string {
  if (bytes.length > 64) return `<${bytes.length} bytes>`;
  return JSON.stringify(Buffer.from(bytes).toString("latin1"));
}

/** The name of an error code, or its number in hex. */
export function codeName(code: number): string {
  return CODE_NAMES[code] ?? `0x${code.toString(16)}`;
}

function settingsText(payload: Buffer): string {
  const texts: string[] = [];
  for (let pos = 0; pos < payload.length; pos += 6) {
    const id = UINT(payload, pos, 2);
    texts.push(`${SETTING_NAMES[id] ?? id}=${UINT(payload, pos + 2, 4)}`);
  }
  return texts.join(" ");
}
