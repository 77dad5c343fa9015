/**
 * Fuzz: one engine, fed by a hostile peer with random frames, right and wrong, and flipped bytes.
 *
 * Properties: it never throws; how the bytes are cut into reads does not matter, neither for what
 * it sends nor for what it reports; each stream ends once; when the connection is over nothing is
 * kept.
 */
import assert from "node:assert/strict";
import type { Rng } from "../src/base/index.ts";
import {
  Connection,
  DEFAULT_CONNECTION_CONFIG,
  headerList,
  overloadFigures,
  type Role,
  recycleChunk,
} from "../src/http2/index.ts";
import {
  ascii,
  FrameReader,
  frame,
  goaway,
  headers,
  join,
  type Pairs,
  PREFACE_TEXT,
  paddedData,
  ping,
  priority,
  REQUEST,
  RESPONSE,
  rstStream,
  SETTINGS_ACK,
  settings,
  splitHeaders,
  uint,
  windowUpdate,
} from "../test/support/http2-frames.ts";
import {
  literal,
  modelHuffman,
  plainBlock,
  sizeUpdate,
} from "../test/support/http2-hpack-model.ts";
import { assertEmpty } from "../test/support/http2-peer.ts";
import { type RecordedStream, Recorder } from "../test/support/http2-recorder.ts";

/** Large windows: no credit goes out, whose time would depend on the cuts. */
const CONFIG = {
  ...DEFAULT_CONNECTION_CONFIG,
  maxStreams: 20,
  streamWindowBytes: 0x3fffffff,
  streamWindowBytesMax: 0x3fffffff,
  connectionWindowBytes: 0x3fffffff,
};

/** Increments: good ones as a rule. */
const WINDOWS = [1, 1, 31, 32, 100, 100, 1_000, 65_535, 65_535, 0x7fffffff, 0];

const pick = <T>(rng: Rng, list: readonly T[]): T => list[rng.int(list.length)]!;

const EXTRAS: readonly (readonly [string, string])[] = [
  ["content-length", "5"],
  ["x", "1"],
  ["te", "trailers"],
  ["Upper", "1"],
  ["grpc-timeout", "1S"],
  ["x", "a\0b"],
  ["host", "b"],
  [":late", "1"],
];

/** Writes random frames. What it says is mostly legal, so that it gets past the first frame. */
class HostilePeer {
  readonly #rng: Rng;
  readonly #role: Role;
  #lastId = -1;

  constructor(rng: Rng, engineRole: Role) {
    this.#rng = rng;
    this.#role = engineRole;
  }

  /** The opening, and then `count` frames. */
  script(count: number): Uint8Array {
    const parts: Uint8Array[] = [];
    if (this.#role === "server") parts.push(ascii(PREFACE_TEXT));
    parts.push(settings(), SETTINGS_ACK);
    for (let i = 0; i < count; i++) parts.push(this.#frame());
    return join(...parts);
  }

  #id(): number {
    const rng = this.#rng;
    if (rng.int(100) === 0) return rng.int(40);
    if (this.#role === "client") return 1 + 2 * rng.int(6);
    return Math.max(1, this.#lastId - 2 * rng.int(4));
  }

  #frame(): Uint8Array {
    const rng = this.#rng;
    // A server that knows of no stream is sent one first, as a rule.
    if (this.#role === "server" && this.#lastId < 0 && rng.int(20) > 0) return this.#headers();
    const id = this.#id();
    const flags = rng.int(20) === 0 ? rng.int(256) : rng.int(2);
    switch (rng.int(14)) {
      case 0:
      case 1:
      case 2:
        return this.#headers();
      case 3:
      case 4:
        return frame(0, flags, id, this.#bytes(30));
      case 5:
        return paddedData(id, "abc", rng.int(5), flags & 1);
      case 6:
        return rstStream(id, pick(rng, [0, 2, 7, 8, 99]));
      case 7:
        return windowUpdate(rng.int(3) === 0 ? 0 : id, pick(rng, WINDOWS));
      case 8:
        return settings(...this.#settings());
      case 9:
        return ping(undefined, flags & 1);
      case 10:
        return priority(id, rng.int(10));
      case 11:
        return rng.int(4) === 0
          ? goaway(pick(rng, [3, 0x7fffffff, 0x7fffffff]), rng.int(14), "bye")
          : ping();
      case 12:
        return headers(id, pick(rng, [[["grpc-status", "0"]], [["x", "1"]]]), 1);
      default:
        return this.#odd(id);
    }
  }

  #odd(id: number): Uint8Array {
    const rng = this.#rng;
    const type = rng.int(12);
    const bytes = this.#bytes(20);
    if (rng.int(4) > 0) return ping();
    if (rng.int(3) > 0) return frame(0x20 + type, rng.int(256), id, bytes);
    return frame(type, rng.int(256), id, bytes, rng.int(5) === 0 ? rng.int(40) : undefined);
  }

  #bytes(max: number): Uint8Array {
    return Uint8Array.from({ length: this.#rng.int(max) }, () => this.#rng.int(256));
  }

  #settings(): [number, number][] {
    const values = [0, 1, 100, 4_096, 16_384, 65_535, 0x7fffffff, 0xffffffff];
    const id = 1 + this.#rng.int(7);
    const value = id === 5 ? 16_384 : pick(this.#rng, values);
    return this.#rng.int(3) === 0 ? [[id, value]] : [[4, pick(this.#rng, [0, 10, 65_535])]];
  }

  #headers(): Uint8Array {
    const rng = this.#rng;
    const id = this.#role === "client" ? this.#id() : (this.#lastId += 2);
    const base: Pairs = this.#role === "client" ? RESPONSE : REQUEST;
    const pairs = rng.int(3) === 0 ? [...base, pick(rng, EXTRAS)] : base;
    const block = join(
      rng.int(15) === 0 ? sizeUpdate(rng.int(4_100)) : [],
      plainBlock(pairs),
      rng.int(3) === 0 ? literal("x-in", `${rng.int(5)}`, { indexing: "with" }) : [],
      rng.int(100) === 0 ? [0x80 | (62 + rng.int(3))] : [],
      rng.int(100) === 0 ? [0x00, 1, 0x78, 0x83, ...modelHuffman("abc").slice(0, 2), 0xff] : [],
    );
    const flags = rng.int(2);
    if (rng.int(4) > 0) return headers(id, block, flags);
    const at = rng.int(block.length);
    return splitHeaders(id, [block.slice(0, at), [], block.slice(at)], flags);
  }
}

/** Flips, drops, doubles or inserts bytes behind the opening. */
function mutate(rng: Rng, bytes: Uint8Array): Uint8Array {
  const result = [...bytes];
  for (let times = rng.int(4); times > 0; times--) {
    const at = 33 + rng.int(Math.max(1, result.length - 33));
    const kind = rng.int(4);
    if (kind === 0) result[at] = (result[at] ?? 0) ^ (1 << rng.int(8));
    else if (kind === 1) result.splice(at, 1 + rng.int(3));
    else if (kind === 2) result.splice(at, 0, ...uint(rng.int(0xffffff), 3));
    else result.splice(at, 0, ...result.slice(at, at + rng.int(20)));
  }
  return Uint8Array.from(result);
}

/** What one engine said and reported, and how its users behaved. */
class Run {
  readonly user: Recorder;
  readonly reader: FrameReader;
  readonly connection: Connection;

  constructor(role: Role, behaviour: number) {
    this.user = new Recorder({
      onList: (stream, _list, isEnd) => this.#react(role, stream, isEnd, behaviour),
    });
    this.reader = new FrameReader(role === "client");
    this.connection = new Connection(role, this.user, CONFIG, 0);
    this.connection.start();
    if (role === "client") this.#openStreams();
  }

  #openStreams(): void {
    const events = new Array(6).fill(null).map(() => this.user.opened({ id: -1 } as never));
    this.user.streams.delete(-1);
    for (const recorded of events) {
      const stream = this.connection.open(headerList(REQUEST), recorded.id % 2 === 0, recorded, 0);
      Object.assign(recorded, { stream, id: stream.id });
      this.user.streams.set(stream.id, recorded);
    }
  }

  /** A server's user answers some streams, resets some and leaves some open. */
  #react(role: Role, { stream, id }: RecordedStream, isEnd: boolean, behaviour: number): void {
    if (role === "client") {
      if (isEnd && behaviour === 2) stream.reset(8);
      return;
    }
    const choice = (id + behaviour) % 5;
    if (choice === 0) stream.sendHeaders(headerList(RESPONSE), true);
    else if (choice === 1) stream.reset(8);
    else if (choice === 2) {
      stream.sendHeaders(headerList(RESPONSE), false);
      stream.sendData(Buffer.alloc(100), 0, 100, true);
    }
  }

  /** Feeds the bytes in pieces, overwriting each behind it; the output is taken at the end. */
  feed(bytes: Uint8Array, pieces: readonly number[]): string[] {
    let at = 0;
    for (const length of pieces) {
      const buffer = Uint8Array.from(bytes.subarray(at, at + length));
      at += length;
      this.connection.recv(buffer, 0, buffer.length, 1);
      buffer.fill(0xee);
    }
    this.connection.output.drainTo({
      takeChunk: (chunk, length) => {
        this.reader.push(Buffer.from(chunk.subarray(0, length)));
        recycleChunk(chunk);
      },
    });
    const lines = [...this.reader.take(), ...this.user.take()];
    assert.ok(this.reader.isAtBoundary, "only whole frames are sent");
    assertEmpty(this.connection, this.user);
    return this.#comparable(lines);
  }

  /** Data in front of a fault that shows late depends on the cuts: such streams are left out. */
  #comparable(lines: readonly string[]): string[] {
    const faulty = new Set<string>();
    for (const { id, failure } of this.user.streams.values()) {
      if (failure?.reason.startsWith("a body that differs")) faulty.add(`data ${id} `);
    }
    const isFaulty = (line: string) => [...faulty].some((start) => line.startsWith(start));
    // Data may also stop at the fault of the whole connection, in the middle of a frame.
    const isCut = this.user.failure !== null;
    return lines.filter((line) => !isFaulty(line) && !(isCut && line.startsWith("data ")));
  }
}

function randomPieces(rng: Rng, total: number): number[] {
  const pieces: number[] = [];
  const max = pick(rng, [2, 5, 20, 200]);
  for (let left = total; left > 0; left -= pieces.at(-1)!) {
    pieces.push(Math.min(left, 1 + rng.int(max)));
  }
  return pieces;
}

/** One round: a random script in a random role, whole and cut. */
export function fuzzFrames(rng: Rng): void {
  const role = rng.int(2) === 0 ? "server" : "client";
  const behaviour = rng.int(5);
  const script = new HostilePeer(rng, role).script(1 + rng.int(40));
  const bytes = rng.int(3) === 0 ? mutate(rng, script) : script;
  const before = overloadFigures().bufferedBytes;
  const whole = new Run(role, behaviour).feed(bytes, [bytes.length]);
  const cut = new Run(role, behaviour).feed(bytes, randomPieces(rng, bytes.length));
  assert.deepEqual(cut, whole, "how the bytes are cut does not matter");
  assert.equal(overloadFigures().bufferedBytes, before, "every buffer is given back");
}
