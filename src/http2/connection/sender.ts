/**
 * Everything that a connection sends: header blocks, DATA under both windows, credit, resets.
 * RFC 9113 §5.2, §6.1, §6.9.
 *
 * DATA that a window or a slow socket does not take waits in its stream's queue; waiting streams
 * take turns, one frame each. Decisions about what came in are the `Receiver`'s.
 */

import type { ConnectionConfig } from "../config.ts";
import { ErrorCode } from "../error-code.ts";
import { Flag, FrameType, HEAD_BYTES } from "../frame/types.ts";
import { writeData, writeHead, writeRstStream, writeWindowUpdate } from "../frame/writer.ts";
import { Encoder } from "../hpack/encoder.ts";
import type { HeaderList } from "../hpack/header-list.ts";
import {
  HELD_BYTES_MAX,
  HELD_BYTES_OVERFLOW_MAX,
  OUTPUT_BYTES_HIGH,
  STALL_PROGRESS_BYTES,
  STALL_TIMEOUT_MS,
  WINDOW_BYTES_INITIAL,
  WINDOW_BYTES_MAX,
} from "../limits.ts";
import { Output } from "../output.ts";
import { isOverflowing, isOverloaded } from "../overload.ts";
import { SendQueue } from "../stream/send-queue.ts";
import { State, StreamEvent } from "../stream/state.ts";
import type { Stream } from "../stream/stream.ts";
import { RemoteSettings } from "./settings.ts";
import type { Streams } from "./streams.ts";

/** Hears that there is something to take. */
export interface SenderOwner {
  /** Nothing more is to be sent. */
  readonly isClosed: boolean;
  onDirty(): void;
  /** A DATA frame went out: the peer may answer with a PING (grpc-go's bandwidth probe). */
  onDataSent(): void;
}

/** Stands for the sets of a connection whose streams never waited; nothing is added to it. */
const NO_STREAMS = new Set<Stream>();
/** The sending half of a connection. */
export class Sender {
  readonly output = new Output();
  readonly remote = new RemoteSettings();
  readonly encoder = new Encoder();
  /** The connection's window towards the peer. */
  window = 65_535;
  /** DATA received on all streams that users have not done with. */
  heldBytes = 0;
  /** What the peer may still send on the whole connection. */
  recvWindow = 65_535;
  /** Connection credit that is owed to the peer. */
  uncredited = 0;
  isDirty = false;
  /** Streams with a queue. */
  #waiting = NO_STREAMS;
  /** Those of them whose own window may be open, in the order of their turns. */
  #ready = NO_STREAMS;
  readonly #streams: Streams;
  readonly #owner: SenderOwner;
  /** The window of a new stream: the RFC's while the peer may not know of ours. §6.9.3 */
  streamWindowBytes: number;
  readonly #config: ConnectionConfig;
  /** Time of the bytes being worked on; set by the connection. */
  nowMs = 0;

  constructor(streams: Streams, owner: SenderOwner, config: ConnectionConfig) {
    this.#streams = streams;
    this.#owner = owner;
    this.#config = config;
    this.streamWindowBytes = Math.max(config.streamWindowBytes, WINDOW_BYTES_INITIAL);
  }

  /** Says once that there is output, until the transport takes it. */
  touch(): void {
    if (this.isDirty) return;
    this.isDirty = true;
    this.#owner.onDirty();
  }

  /** Writes HEADERS (and CONTINUATIONs); header blocks are not flow-controlled. */
  sendHeaders(stream: Stream, list: HeaderList, isEnd: boolean): void {
    this.writeHeaders(stream.id, list, isEnd);
    if (isEnd) this.#endLocal(stream);
  }

  /** Writes a block for a stream id, in one frame where it fits. */
  writeHeaders(streamId: number, list: HeaderList, isEnd: boolean): void {
    const bound = list.wireBytesMax;
    const flags = isEnd ? Flag.END_STREAM : 0;
    if (bound > this.remote.maxFrameBytes) {
      this.#writeLongBlock(streamId, list, flags, bound);
    } else {
      const bytes = this.output.reserve(HEAD_BYTES + bound);
      const start = this.output.end;
      const end = this.encoder.encode(list, bytes, start + HEAD_BYTES);
      const length = end - start - HEAD_BYTES;
      writeHead(bytes, start, length, FrameType.HEADERS, flags | Flag.END_HEADERS, streamId);
      this.output.end = end;
    }
    this.touch();
  }

  #writeLongBlock(streamId: number, list: HeaderList, flags: number, bound: number): void {
    const block = Buffer.allocUnsafeSlow(bound);
    const length = this.encoder.encode(list, block, 0);
    const size = this.remote.maxFrameBytes;
    let type: number = FrameType.HEADERS;
    let frameFlags = flags;
    for (let pos = 0; pos < length || pos === 0; pos += size) {
      const end = Math.min(length, pos + size);
      if (end === length) frameFlags |= Flag.END_HEADERS;
      const bytes = this.output.reserve(HEAD_BYTES + end - pos);
      writeHead(bytes, this.output.end, end - pos, type, frameFlags, streamId);
      this.output.end += HEAD_BYTES;
      this.output.append(block, pos, end);
      type = FrameType.CONTINUATION;
      frameFlags = 0;
    }
  }

  /** See `Stream.sendData`. */
  sendData(stream: Stream, bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    const count = end - start;
    if (
      stream.queuedBytes === 0 &&
      count <= stream.sendWindow &&
      count <= this.window &&
      count <= this.remote.maxFrameBytes &&
      this.output.pendingBytes < OUTPUT_BYTES_HIGH
    ) {
      this.#writeFrame(stream, bytes, start, end, isEnd);
      return count;
    }
    return this.#sendSome(stream, bytes, start, end, isEnd);
  }

  #writeFrame(stream: Stream, bytes: Uint8Array, start: number, end: number, isEnd: boolean): void {
    if (start === end && !isEnd) return;
    stream.sendWindow -= end - start;
    this.window -= end - start;
    writeData(this.output, stream.id, bytes, start, end, isEnd);
    this.#owner.onDataSent();
    this.touch();
    if (isEnd) this.#endLocal(stream);
  }

  /** Sends what is allowed now and queues a copy of the rest. */
  #sendSome(stream: Stream, bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    let pos = start;
    while (pos < end && stream.queuedBytes === 0) {
      const size = this.#frameRoom(stream, end - pos);
      if (size === 0) break;
      const isLast = isEnd && pos + size === end;
      this.#writeFrame(stream, bytes, pos, pos + size, isLast);
      pos += size;
    }
    if (pos === end && stream.queuedBytes === 0) {
      if (isEnd && start === end) this.#writeFrame(stream, bytes, end, end, true);
      return end - start;
    }
    // The end was given already; what its user still sends is dropped.
    if (stream.isLocalEndGiven) return end - start;
    stream.queue ??= new SendQueue();
    if (stream.queue.length === 0) {
      stream.stalledSinceMs = this.nowMs;
      stream.stalledBytes = 0;
      if (this.#waiting === NO_STREAMS) this.#waiting = new Set();
      if (this.#ready === NO_STREAMS) this.#ready = new Set();
      this.#waiting.add(stream);
      this.#ready.add(stream);
    }
    stream.queue.push(bytes, pos, end);
    if (isEnd) stream.isEndQueued = true;
    return pos - start;
  }

  /** Bytes that one frame of this stream may carry now, at most `wanted`. */
  #frameRoom(stream: Stream, wanted: number): number {
    if (this.output.pendingBytes >= OUTPUT_BYTES_HIGH) return 0;
    const room = Math.min(wanted, stream.sendWindow, this.window, this.remote.maxFrameBytes);
    return Math.max(room, 0);
  }

  /** See `Stream.sendTrailers`. */
  sendTrailers(stream: Stream, list: HeaderList): void {
    if (stream.queuedBytes > 0) stream.queuedTrailers = list;
    else this.sendHeaders(stream, list, true);
  }

  /**
   * The connection's window or the socket opened: the waiting streams take turns, one frame each,
   * and whose turn is next is kept for the next time.
   */
  pump(): void {
    // Who is deleted and added again while the set is walked comes again, behind all others.
    for (const stream of this.#ready) {
      if (this.window <= 0 || this.output.pendingBytes >= OUTPUT_BYTES_HIGH) return;
      this.#ready.delete(stream);
      // `pumpStream` brings it back.
      if (stream.sendWindow <= 0) continue;
      this.#ready.add(stream);
      this.#sendQueued(stream, 1);
    }
  }

  /** The stream's own window opened. */
  pumpStream(stream: Stream): void {
    if (stream.queuedBytes === 0) return;
    if (stream.sendWindow > 0) this.#ready.add(stream);
    this.#sendQueued(stream, Number.POSITIVE_INFINITY);
  }

  /** The windows of all streams opened. */
  pumpStreams(): void {
    for (const stream of this.#waiting) if (stream.sendWindow > 0) this.#ready.add(stream);
    this.pump();
  }

  /** Sends up to `frames` frames of a stream's queue. */
  #sendQueued(stream: Stream, frames: number): void {
    let sent = 0;
    for (let i = 0; i < frames && stream.queuedBytes > 0; i++) {
      const queue = stream.queue!;
      const start = queue.headStart;
      const size = this.#frameRoom(stream, queue.headEnd - start);
      if (size === 0) break;
      const isEnd = stream.isEndQueued && size === queue.length;
      const bytes = queue.headBytes;
      queue.shift(size);
      sent += size;
      this.#writeFrame(stream, bytes, start, start + size, isEnd);
    }
    if (sent === 0) return;
    stream.stalledBytes += sent;
    if (stream.queuedBytes === 0) this.#finishQueue(stream);
    stream.events.onWritable(sent);
  }

  /** The queue is empty: what was to follow it follows. */
  #finishQueue(stream: Stream): void {
    this.#waiting.delete(stream);
    this.#ready.delete(stream);
    stream.queue = null;
    stream.stalledSinceMs = 0;
    if (stream.queuedTrailers !== null) {
      const list = stream.queuedTrailers;
      stream.queuedTrailers = null;
      this.sendHeaders(stream, list, true);
    }
    if (stream.queuedReset >= 0) this.reset(stream, stream.queuedReset);
  }

  #endLocal(stream: Stream): void {
    stream.move(StreamEvent.SEND_END);
    if (stream.state === State.CLOSED) this.forget(stream);
  }

  /** See `Stream.reset`. */
  reset(stream: Stream, code: ErrorCode): void {
    if (stream.state === State.CLOSED) return;
    stream.move(StreamEvent.RESET);
    this.#streams.noteReset(stream.id);
    writeRstStream(this.output, stream.id, code);
    this.touch();
    this.forget(stream);
  }

  /** Closes a stream without a frame: the peer ended it, or there is no peer any more. */
  forgetReset(stream: Stream): void {
    if (stream.state === State.CLOSED) return;
    stream.move(StreamEvent.RESET);
    this.forget(stream);
  }

  /** Takes a closed stream out of everything; its windows and copies are free. */
  forget(stream: Stream): void {
    if (stream.queue !== null) {
      this.#waiting.delete(stream);
      this.#ready.delete(stream);
      stream.queue.clear();
      stream.queue = null;
      stream.queuedTrailers = null;
    }
    this.release(stream.heldBytes);
    stream.heldBytes = 0;
    this.#streams.remove(stream);
  }

  /** CVE-2026-49975: a trickle of WINDOW_UPDATEs must not hold memory for ever. */
  resetStalled(): void {
    for (const stream of [...this.#waiting]) {
      if (stream.stalledBytes >= STALL_PROGRESS_BYTES) {
        stream.stalledSinceMs = this.nowMs;
        stream.stalledBytes = 0;
      } else if (this.nowMs - stream.stalledSinceMs >= STALL_TIMEOUT_MS) {
        this.#giveUp(stream, "the peer took no data for too long");
      }
    }
  }

  /** More is held than may be: the streams that hold most are given up until half of it is free. */
  resetHolders(): void {
    const limit = isOverflowing() ? HELD_BYTES_OVERFLOW_MAX : HELD_BYTES_MAX;
    if (this.heldBytes <= limit) return;
    const holders = this.#streams.list().filter((stream) => stream.heldBytes > 0);
    holders.sort((a, b) => b.heldBytes - a.heldBytes);
    for (const stream of holders) {
      if (this.heldBytes * 2 <= limit) return;
      this.#giveUp(stream, "its data is not taken, and too much is held");
    }
  }

  #giveUp(stream: Stream, reason: string): void {
    // Its user may have ended it when it heard of another one.
    if (stream.state === State.CLOSED) return;
    const { events } = stream;
    this.reset(stream, ErrorCode.CANCEL);
    events.onReset({ code: ErrorCode.CANCEL, by: "library", isUnprocessed: false, reason });
  }

  /** See `Stream.credit`. */
  credit(stream: Stream, bytes: number): void {
    if (bytes === 0 || stream.state === State.CLOSED) return;
    const held = Math.min(bytes, stream.heldBytes);
    stream.heldBytes -= held;
    this.release(held);
    this.grant(stream, bytes);
  }

  /**
   * Owes `bytes` of the stream's window; half a window at a time goes out. The first time, the
   * window grows: the data flows, so a larger window costs nothing but speeds it up.
   */
  grant(stream: Stream, bytes: number): void {
    if (stream.isRemoteEnded) return;
    stream.uncredited += bytes;
    if (stream.uncredited * 2 < stream.windowBytes) return;
    const { streamWindowBytesMax } = this.#config;
    const mayGrow = this.heldBytes * 2 < HELD_BYTES_MAX && !isOverloaded();
    if (mayGrow && stream.windowBytes < streamWindowBytesMax) {
      stream.uncredited += streamWindowBytesMax - stream.windowBytes;
      stream.windowBytes = streamWindowBytesMax;
    }
    writeWindowUpdate(this.output, stream.id, stream.uncredited);
    stream.recvWindow += stream.uncredited;
    stream.uncredited = 0;
    this.touch();
  }

  /** The peer knows our SETTINGS now: a window below the RFC's counts from here on. §6.9.3 */
  onSettingsKnown(): void {
    const delta = this.#config.streamWindowBytes - this.streamWindowBytes;
    if (delta === 0) return;
    this.streamWindowBytes += delta;
    for (const stream of this.#streams.list()) {
      stream.recvWindow += delta;
      stream.windowBytes += delta;
      this.grant(stream, 0);
    }
  }

  /** Owes `bytes` of the connection's window; returned at once unless too much is held. */
  grantConnection(bytes: number): void {
    this.uncredited += bytes;
    if (
      this.uncredited * 2 < this.#config.connectionWindowBytes ||
      this.heldBytes > HELD_BYTES_MAX
    ) {
      return;
    }
    writeWindowUpdate(this.output, 0, this.uncredited);
    this.recvWindow += this.uncredited;
    this.uncredited = 0;
    this.touch();
  }

  /** Users are done with `bytes` that were held. */
  release(bytes: number): void {
    if (bytes === 0) return;
    const wasOver = this.heldBytes > HELD_BYTES_MAX;
    this.heldBytes -= bytes;
    if (wasOver && !this.#owner.isClosed) this.grantConnection(0);
  }

  /** Adds to a window; false beyond 2^31-1. RFC 9113 §6.9.1. */
  static canGrow(window: number, increment: number): boolean {
    return window + increment <= WINDOW_BYTES_MAX;
  }

  /** Stream error: RST_STREAM for an id that has no stream object (any more). */
  resetId(streamId: number, code: ErrorCode): void {
    this.#streams.noteReset(streamId);
    writeRstStream(this.output, streamId, code);
    this.touch();
  }
}
