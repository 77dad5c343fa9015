/**
 * A scripted peer: what it sends is written as frames, what it wants back as lines of text.
 *
 * A script is run whole, byte by byte, and once for each place at which its sends can be cut; the
 * engine must say and report the same each time. Each pushed buffer is overwritten after the engine
 * has seen it, so nothing can be kept in it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Connection,
  type ConnectionConfig,
  DEFAULT_CONNECTION_CONFIG,
  type HeaderList,
  headerList,
  type Role,
  recycleChunk,
} from "../../src/http2/index.ts";
import {
  ascii,
  type Bytes,
  FrameReader,
  join,
  type Pairs,
  PREFACE_TEXT,
  REQUEST,
  SETTINGS_ACK,
  settings,
} from "./http2-frames.ts";
import { type RecordedStream, Recorder, type StreamHooks } from "./http2-recorder.ts";

/** How the bytes of one send reach the engine. */
export interface Feed {
  readonly name: string;
  /** The lengths of the pieces of a send of `total` bytes. */
  pieces(total: number): readonly number[];
}

const WHOLE: Feed = { name: "whole", pieces: (total) => [total] };
const SINGLY: Feed = { name: "byte by byte", pieces: (total) => new Array(total).fill(1) };

function cutAt(at: number): Feed {
  return {
    name: `cut at byte ${at} of each send`,
    pieces: (total) => (at < total ? [at, total - at] : [total]),
  };
}

/** Options of a scripted peer. */
export interface PeerOptions {
  /** The engine's role; the peer plays the other. */
  readonly role?: Role;
  readonly config?: Partial<ConnectionConfig>;
  /** Without the exchange of preface and SETTINGS. */
  readonly isRaw?: boolean;
  readonly hooks?: StreamHooks;
  /** The script is run whole only: cuts move when credit goes out, or it is too long for them. */
  readonly isUncut?: boolean;
  /** The size that the peer's decoder allows. */
  readonly hpackTableBytes?: number;
}

/** The peer of one engine. */
export class Peer {
  readonly role: Role;
  readonly connection: Connection;
  readonly user: Recorder;
  readonly reader: FrameReader;
  /** Everything that the engine said and reported, for the comparison of feeds. */
  readonly transcript: string[] = [];
  /** Bytes of the longest send: how many cuts there are. */
  longestSend = 0;
  sentBytes = 0;
  nowMs = 1_000;
  /** While true, what the engine writes stays "in the socket". */
  isStuck = false;
  readonly #feed: Feed;
  #stuckBytes = 0;

  constructor(options: PeerOptions = {}, feed: Feed = WHOLE) {
    this.role = options.role ?? "server";
    this.#feed = feed;
    this.user = new Recorder(options.hooks);
    this.reader = new FrameReader(this.role === "client", options.hpackTableBytes);
    const config = { ...DEFAULT_CONNECTION_CONFIG, ...options.config };
    this.connection = new Connection(this.role, this.user, config, this.nowMs);
    this.connection.start();
    if (options.isRaw) return;
    this.#push(join(this.#preface(), settings(), SETTINGS_ACK));
    this.flush();
    this.reader.take();
    this.user.take();
  }

  #preface(): Uint8Array {
    return this.role === "server" ? ascii(PREFACE_TEXT) : new Uint8Array(0);
  }

  /** Sends bytes, then lets the engine's output through. */
  send(...parts: readonly Bytes[]): this {
    const bytes = join(...parts);
    this.longestSend = Math.max(this.longestSend, bytes.length);
    let at = 0;
    for (const length of this.#feed.pieces(bytes.length)) {
      this.#push(bytes.slice(at, at + length));
      at += length;
      if (!this.isStuck) this.flush();
    }
    return this;
  }

  #push(piece: Uint8Array): void {
    this.sentBytes += piece.length;
    // A read buffer has other bytes around it, and is used again for the next read.
    const buffer = new Uint8Array(piece.length + 16).fill(0xee);
    buffer.set(piece, 8);
    this.connection.recv(buffer, 8, 8 + piece.length, this.nowMs);
    buffer.fill(0xee);
  }

  /** Takes what the engine has to send, as a transport does at the end of a turn. */
  flush(): void {
    do {
      this.#take();
      if (this.isStuck) return;
      this.#settle();
    } while (!this.connection.output.isEmpty);
  }

  #take(): void {
    const { output } = this.connection;
    output.drainTo({
      takeChunk: (chunk, length) => {
        output.inFlightBytes += length;
        this.#stuckBytes += length;
        this.reader.push(Buffer.from(chunk.subarray(0, length)));
        chunk.fill(0xee);
        recycleChunk(chunk);
      },
    });
    this.connection.onTaken();
  }

  /** The kernel has everything that was written. */
  #settle(): void {
    this.connection.output.inFlightBytes -= this.#stuckBytes;
    this.#stuckBytes = 0;
    this.connection.onSocketDrained();
  }

  /** The socket is stuck, but for once the kernel takes all that was written. */
  turn(): void {
    this.isStuck = true;
    this.#settle();
    this.#take();
  }

  /** The socket is not stuck any more. */
  unstick(): void {
    this.isStuck = false;
    this.flush();
  }

  /** What the engine said since the last time: exactly these lines. */
  want(...lines: readonly string[]): this {
    this.flush();
    const said = this.#noted(this.reader.take());
    assert.deepEqual(said, lines, `what the engine sends (${this.#feed.name})`);
    return this;
  }

  /** What the engine reported since the last time: exactly these lines. */
  heard(...lines: readonly string[]): this {
    const heard = this.#noted(this.user.take());
    assert.deepEqual(heard, lines, `what the engine reports (${this.#feed.name})`);
    return this;
  }

  /** What the engine said since the last time, whatever it is. */
  said(): string[] {
    this.flush();
    return this.#noted(this.reader.take());
  }

  #noted(lines: string[]): string[] {
    this.transcript.push(...lines);
    return lines;
  }

  /** Time passes; the engine's coarse timer ticks once a second. */
  advance(ms: number): this {
    let left = ms;
    for (; left >= 1_000; left -= 1_000) {
      this.nowMs += 1_000;
      this.connection.onTimer(this.nowMs);
    }
    this.nowMs += left;
    return this;
  }

  /** The user of a stream. */
  on(streamId: number): RecordedStream {
    const recorded = this.user.streams.get(streamId);
    assert.ok(recorded !== undefined, `stream ${streamId} is known`);
    return recorded;
  }

  /** The engine opens a stream (client role). */
  open(isEnd = false, list: HeaderList | Pairs = REQUEST): RecordedStream {
    const fields = "fields" in list ? list : headerList(list);
    // The engine may report before `open` returns: the stand-in passes it on.
    const late = new LateUser(this.user);
    const stream = this.connection.open(fields, isEnd, late.events, this.nowMs);
    return late.join(stream);
  }

  /** The engine sends `bytes` zeros of data. */
  write(streamId: number, bytes: number, isEnd = false): number {
    return this.on(streamId).stream.sendData(new Uint8Array(bytes), 0, bytes, isEnd);
  }

  /** At the end of a script: what is left is noted, and nothing must be half-sent. */
  finish(): void {
    this.flush();
    this.#noted(this.reader.take());
    this.#noted(this.user.take());
    assert.ok(this.reader.isAtBoundary, "only whole frames are sent");
    assertEmpty(this.connection, this.user);
  }
}

class LateUser {
  readonly events: RecordedStream;
  readonly #recorder: Recorder;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
    this.events = recorder.opened({ id: -1 } as never);
    recorder.streams.delete(-1);
  }

  join(stream: import("../../src/http2/index.ts").Stream): RecordedStream {
    Object.assign(this.events, { stream, id: stream.id });
    this.#recorder.streams.set(stream.id, this.events);
    return this.events;
  }
}

/** After its end a connection keeps nothing: no stream, no queue, no byte held. */
export function assertEmpty(connection: Connection, user: Recorder): void {
  connection.onSocketClosed("the test is over");
  assert.equal(connection.streamCount, 0, "no stream is left");
  for (const { stream, id } of user.streams.values()) {
    assert.ok(stream.isClosed, `stream ${id} is closed`);
    assert.equal(stream.queuedBytes, 0, `stream ${id} queues nothing`);
    assert.equal(stream.queue, null, `stream ${id} has no queue`);
    assert.equal(stream.heldBytes, 0, `stream ${id} holds nothing`);
  }
  connection.output.clear();
  assert.equal(connection.output.pendingBytes, 0);
}

/** A script: all that it sends and wants. It is run many times, so it makes all that it uses. */
export type Script = (peer: Peer) => void;

/** Scripts with sends above this are cut at a sample of places only. */
const CUTS_MAX = 400;

/** Runs a script whole, byte by byte, and with each cut; the transcripts must agree. */
export function runScript(script: Script, options: PeerOptions = {}): void {
  const whole = runOnce(script, options, WHOLE);
  if (options.isUncut) return;
  if (whole.sentBytes <= 20_000) assertSame(whole, runOnce(script, options, SINGLY), SINGLY);
  const step = Math.max(1, Math.ceil(whole.longestSend / CUTS_MAX));
  for (let at = 1; at < whole.longestSend; at += step) {
    const feed = cutAt(at);
    assertSame(whole, runOnce(script, options, feed), feed);
  }
}

/** Runs a script whole only: for floods, whose bytes are too many to be cut everywhere. */
export function runOnce(script: Script, options: PeerOptions = {}, feed: Feed = WHOLE): Peer {
  const peer = new Peer(options, feed);
  script(peer);
  peer.finish();
  return peer;
}

function assertSame(whole: Peer, other: Peer, feed: Feed): void {
  assert.deepEqual(other.transcript, whole.transcript, `${feed.name} is as whole`);
}

/** One row of a table of cases. */
export interface WireCase extends PeerOptions {
  /** The section that asks for it. */
  readonly section: string;
  /** The behaviour, as a sentence. */
  readonly name: string;
  readonly script: Script;
}

/** Makes a test of each case. */
export function wireTests(cases: readonly WireCase[], rfc = "RFC 9113"): void {
  for (const { section, name, script, ...options } of cases) {
    test(`${rfc} §${section}: ${name}`, () => runScript(script, options));
  }
}
