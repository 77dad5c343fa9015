/**
 * What the storm client shares with the echo server (`../go/wire`): the frame inside a message, and
 * the request metadata that tells the server what to do.
 */
import { crc32 } from "node:zlib";
import { Metadata } from "@grpc/grpc-js";

/** Before the body: call id (8), sequence (4), length (4), CRC-32 of those and the body (4). */
export const FRAME_HEAD_BYTES = 20;

/** The largest body. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024;

/** The largest message, on both sides. */
export const MESSAGE_BYTES_MAX = BODY_BYTES_MAX + 64 * 1024;

/** What a call asks of the server; -1 and 0 as in the Go program of that name. */
export interface Orders {
  callId: number;
  sleepMs: number;
  /** Messages of a server stream. */
  count: number;
  /** Size of an answer's body; -1 for that of the request. */
  size: number;
  /** The server ends the call with `endStatus` after so many messages; -1 for never. */
  endAfter: number;
  endStatus: number;
}

/** What is wrong with a message: it belongs to another call, or it is incomplete or damaged. */
export interface Fault {
  readonly kind: "crossed" | "lost";
  readonly text: string;
}

/** The request metadata of these orders. */
export function metadataOf(orders: Orders): Metadata {
  const metadata = new Metadata();
  metadata.set("x-call-id", String(orders.callId));
  if (orders.sleepMs > 0) metadata.set("x-sleep-ms", String(orders.sleepMs));
  if (orders.count !== 1) metadata.set("x-count", String(orders.count));
  if (orders.size >= 0) metadata.set("x-size", String(orders.size));
  if (orders.endAfter >= 0) metadata.set("x-end-after", String(orders.endAfter));
  if (orders.endStatus > 0) metadata.set("x-end-status", String(orders.endStatus));
  return metadata;
}

const noise = makeNoise();

function makeNoise(): Buffer {
  const words = new Uint32Array((2 * BODY_BYTES_MAX) / 4);
  let state = 0x9e3779b9;
  for (let i = 0; i < words.length; i += 1) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return Buffer.from(words.buffer);
}

/** A message of a call: a head and `size` bytes of noise. */
export function newFrame(callId: number, seq: number, size: number): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + size);
  frame.writeBigUInt64BE(BigInt(callId), 0);
  frame.writeUInt32BE(seq, 8);
  frame.writeUInt32BE(size, 12);
  const at = ((callId % BODY_BYTES_MAX) + seq * 40503) % BODY_BYTES_MAX;
  noise.copy(frame, FRAME_HEAD_BYTES, at, at + size);
  frame.writeUInt32BE(sumOf(frame), 16);
  return frame;
}

/** Why a message is not the whole, next message of its call; null when it is. */
export function checkFrame(frame: Buffer, callId: number, seq: number): Fault | null {
  const lost = (text: string) => ({ kind: "lost", text }) as const;
  if (frame.length < FRAME_HEAD_BYTES) return lost(`${frame.length} bytes have no head`);
  const id = Number(frame.readBigUInt64BE(0));
  if (id !== callId) {
    return { kind: "crossed", text: `a message of call ${id} came in call ${callId}` };
  }
  const got = frame.readUInt32BE(8);
  if (got !== seq) return lost(`message ${got} came where ${seq} was due`);
  const length = frame.readUInt32BE(12);
  if (length !== frame.length - FRAME_HEAD_BYTES) {
    return lost(`a body of ${length} bytes came with ${frame.length - FRAME_HEAD_BYTES}`);
  }
  return frame.readUInt32BE(16) === sumOf(frame) ? null : lost("the checksum does not fit");
}

function sumOf(frame: Buffer): number {
  return crc32(frame.subarray(FRAME_HEAD_BYTES), crc32(frame.subarray(0, 16)));
}
