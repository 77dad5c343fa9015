/**
 * A TCP relay in front of a gRPC server that reads along: which messages went over the wire
 * compressed. Cleartext HTTP/2 with prior knowledge, well-behaved peers.
 *
 * Client libraries hide the compressed flag, and servers do not tell; the interop cases about
 * compression are about just that flag (gRPC over HTTP/2: Length-Prefixed-Message).
 */
import { openTcpRelay } from "../../support/tcp-relay.ts";

const PREFACE_BYTES = 24;
const FRAME_HEAD_BYTES = 9;
const MESSAGE_HEAD_BYTES = 5;
const DATA = 0;
const PADDED = 0x8;

/** What went over the wire since the last `take`: of each message whether it was compressed. */
export interface Traffic {
  readonly sent: readonly boolean[];
  readonly received: readonly boolean[];
}

/** A relay that listens. */
export interface WireTap {
  /** "127.0.0.1:PORT". */
  readonly address: string;
  take(): Traffic;
  close(): void;
}

/** Opens a relay to `target` ("HOST:PORT"). */
export async function openWireTap(target: string): Promise<WireTap> {
  let sent: boolean[] = [];
  let received: boolean[] = [];
  const { address, close } = await openTcpRelay(target, (client, upstream) => {
    const outbound = new MessageReader(PREFACE_BYTES, (flag) => sent.push(flag));
    const inbound = new MessageReader(0, (flag) => received.push(flag));
    client.on("data", (bytes) => outbound.push(bytes));
    upstream.on("data", (bytes) => inbound.push(bytes));
  });
  const take = (): Traffic => {
    const traffic = { sent, received };
    sent = [];
    received = [];
    return traffic;
  };
  return { address, take, close };
}

/** One direction of one connection. */
class MessageReader {
  #rest: Buffer = Buffer.alloc(0);
  #skipBytes: number;
  readonly #onMessage: (isCompressed: boolean) => void;
  readonly #streams = new Map<number, Buffer>();

  constructor(skipBytes: number, onMessage: (isCompressed: boolean) => void) {
    this.#skipBytes = skipBytes;
    this.#onMessage = onMessage;
  }

  push(bytes: Buffer): void {
    let rest = Buffer.concat([this.#rest, bytes]);
    const skipped = Math.min(this.#skipBytes, rest.length);
    this.#skipBytes -= skipped;
    rest = rest.subarray(skipped);
    while (rest.length >= FRAME_HEAD_BYTES) {
      const end = FRAME_HEAD_BYTES + rest.readUIntBE(0, 3);
      if (rest.length < end) break;
      if (rest[3] === DATA) this.#onData(rest, end);
      rest = rest.subarray(end);
    }
    this.#rest = rest;
  }

  #onData(frame: Buffer, end: number): void {
    const isPadded = ((frame[4] as number) & PADDED) !== 0;
    const start = FRAME_HEAD_BYTES + (isPadded ? 1 : 0);
    const padding = isPadded ? (frame[FRAME_HEAD_BYTES] as number) : 0;
    const id = frame.readUInt32BE(5) & 0x7fffffff;
    const held = this.#streams.get(id) ?? Buffer.alloc(0);
    let body = Buffer.concat([held, frame.subarray(start, end - padding)]);
    while (body.length >= MESSAGE_HEAD_BYTES) {
      const size = MESSAGE_HEAD_BYTES + body.readUInt32BE(1);
      if (body.length < size) break;
      this.#onMessage(body[0] === 1);
      body = body.subarray(size);
    }
    this.#streams.set(id, body);
  }
}
