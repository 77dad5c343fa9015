/**
 * Frame writers: each appends one whole frame to an `Output`. RFC 9113 §6.
 *
 * They know the layouts and nothing of states, windows or limits: their callers keep the rules.
 */

import type { ErrorCode } from "../error-code.ts";
import type { Output } from "../output.ts";
import { Flag, FrameType, HEAD_BYTES, PREFACE } from "./types.ts";

/** Writes the 9 bytes of a frame's head at `pos`. */
export function writeHead(
  bytes: Uint8Array,
  pos: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): void {
  bytes[pos] = length >>> 16;
  bytes[pos + 1] = length >>> 8;
  bytes[pos + 2] = length;
  bytes[pos + 3] = type;
  bytes[pos + 4] = flags;
  bytes[pos + 5] = streamId >>> 24;
  bytes[pos + 6] = streamId >>> 16;
  bytes[pos + 7] = streamId >>> 8;
  bytes[pos + 8] = streamId;
}

/** Writes an unsigned 32-bit integer at `pos`. */
function writeUint32(bytes: Uint8Array, pos: number, value: number): void {
  bytes[pos] = value >>> 24;
  bytes[pos + 1] = value >>> 16;
  bytes[pos + 2] = value >>> 8;
  bytes[pos + 3] = value;
}

/** The client's preface, which its SETTINGS must follow. */
export function writePreface(out: Output): void {
  out.reserve(PREFACE.length);
  out.append(PREFACE, 0, PREFACE.length);
}

/** SETTINGS with `entries` as [identifier, value, ...]. */
export function writeSettings(out: Output, entries: readonly number[]): void {
  const length = entries.length * 3;
  const bytes = out.reserve(HEAD_BYTES + length);
  writeHead(bytes, out.end, length, FrameType.SETTINGS, 0, 0);
  let pos = out.end + HEAD_BYTES;
  for (let i = 0; i < entries.length; i += 2) {
    bytes[pos] = entries[i]! >>> 8;
    bytes[pos + 1] = entries[i]!;
    writeUint32(bytes, pos + 2, entries[i + 1]!);
    pos += 6;
  }
  out.end = pos;
}

/** The ACK of the peer's SETTINGS. */
export function writeSettingsAck(out: Output): void {
  const bytes = out.reserve(HEAD_BYTES);
  writeHead(bytes, out.end, 0, FrameType.SETTINGS, Flag.ACK, 0);
  out.end += HEAD_BYTES;
}

/** PING, or its ACK, with the eight bytes payload[start, start + 8). */
export function writePing(out: Output, isAck: boolean, payload: Uint8Array, start: number): void {
  const bytes = out.reserve(HEAD_BYTES + 8);
  writeHead(bytes, out.end, 8, FrameType.PING, isAck ? Flag.ACK : 0, 0);
  out.end += HEAD_BYTES;
  out.append(payload, start, start + 8);
}

/** GOAWAY with the last stream id that we may act on, a code, and a reason for people. */
export function writeGoAway(
  out: Output,
  lastStreamId: number,
  code: ErrorCode,
  debugData: string,
): void {
  const debug = Buffer.from(debugData, "utf8");
  const length = 8 + debug.length;
  const bytes = out.reserve(HEAD_BYTES + length);
  writeHead(bytes, out.end, length, FrameType.GOAWAY, 0, 0);
  writeUint32(bytes, out.end + HEAD_BYTES, lastStreamId);
  writeUint32(bytes, out.end + HEAD_BYTES + 4, code);
  out.end += HEAD_BYTES + 8;
  out.append(debug, 0, debug.length);
}

/** RST_STREAM. */
export function writeRstStream(out: Output, streamId: number, code: ErrorCode): void {
  const bytes = out.reserve(HEAD_BYTES + 4);
  writeHead(bytes, out.end, 4, FrameType.RST_STREAM, 0, streamId);
  writeUint32(bytes, out.end + HEAD_BYTES, code);
  out.end += HEAD_BYTES + 4;
}

/** WINDOW_UPDATE; stream 0 is the connection. */
export function writeWindowUpdate(out: Output, streamId: number, increment: number): void {
  const bytes = out.reserve(HEAD_BYTES + 4);
  writeHead(bytes, out.end, 4, FrameType.WINDOW_UPDATE, 0, streamId);
  writeUint32(bytes, out.end + HEAD_BYTES, increment);
  out.end += HEAD_BYTES + 4;
}

/** One DATA frame with payload source[start, end); the caller kept the windows and the size. */
export function writeData(
  out: Output,
  streamId: number,
  source: Uint8Array,
  start: number,
  end: number,
  isEnd: boolean,
): void {
  const length = end - start;
  const bytes = out.reserve(HEAD_BYTES + length);
  writeHead(bytes, out.end, length, FrameType.DATA, isEnd ? Flag.END_STREAM : 0, streamId);
  out.end += HEAD_BYTES;
  if (length > 0) out.append(source, start, end);
}
