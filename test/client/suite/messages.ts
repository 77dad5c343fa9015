/**
 * The messages of the channel suite on the wire: gRPC's frames around `google.protobuf.BytesValue`.
 *
 * By hand, so that a test can also frame what no library would. Not a Protobuf implementation.
 */

/** Field 1, length-delimited. */
const TAG = 0x0a;

/** How many bytes of gRPC's frame stand before a message. */
export const PREFIX_BYTES = 5;

/** A BytesValue. An empty one has no bytes at all. */
export function encodeBytes(body: Uint8Array): Buffer {
  if (body.length === 0) return Buffer.alloc(0);
  const head = [TAG];
  let rest = body.length;
  for (; rest >= 128; rest >>>= 7) head.push((rest & 127) | 128);
  head.push(rest);
  return Buffer.concat([Buffer.from(head), body]);
}

/** What a BytesValue holds; throws on anything else. */
export function decodeBytes(wire: Buffer): Buffer {
  if (wire.length === 0) return Buffer.alloc(0);
  if (wire[0] !== TAG) throw new Error(`not a BytesValue: ${wire.subarray(0, 8).toString("hex")}`);
  let length = 0;
  let pos = 1;
  for (let shift = 0; pos < wire.length; shift += 7, pos += 1) {
    length |= (wire[pos]! & 127) << shift;
    if (wire[pos]! < 128) break;
  }
  pos += 1;
  if (pos + length !== wire.length) throw new Error("not a BytesValue: its length is wrong");
  return wire.subarray(pos);
}

/** A body whose message has exactly that many bytes on the wire. */
export function bodyOfWireSize(bytes: number): Buffer {
  let body = bytes;
  while (encodeBytes(Buffer.alloc(body)).length > bytes) body -= 1;
  return Buffer.alloc(body, 7);
}

/** Any payload in gRPC's frame. */
export function frame(payload: Uint8Array, flag = 0): Buffer {
  const head = Buffer.alloc(PREFIX_BYTES);
  head[0] = flag;
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

/** A message in gRPC's frame, as a server sends it. */
export function message(body: Uint8Array | string): Buffer {
  return frame(encodeBytes(Buffer.from(body)));
}

/** The frames in a body: flag and payload. Throws when it ends inside of one. */
export function unframe(bytes: Buffer): { readonly flag: number; readonly payload: Buffer }[] {
  const frames: { flag: number; payload: Buffer }[] = [];
  for (let pos = 0; pos < bytes.length; ) {
    const end = pos + PREFIX_BYTES + bytes.readUInt32BE(pos + 1);
    if (end > bytes.length) throw new Error("the body ends inside of a message");
    frames.push({ flag: bytes[pos]!, payload: bytes.subarray(pos + PREFIX_BYTES, end) });
    pos = end;
  }
  return frames;
}
