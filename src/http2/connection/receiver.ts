/**
 * Everything that a connection receives: one method per frame type, each beginning with what RFC 9113
 * §6 says to refuse.
 *
 * It decides and dispatches; what must be sent goes through the `Sender`, and what ends the connection
 * is returned as an error code with `reason` set. Bad bytes never throw.
 */

import type { Role } from "../config.ts";
import { ErrorCode } from "../error-code.ts";
import type { StreamEvents, StreamFailure } from "../events.ts";
import type { FrameSink } from "../frame/decoder.ts";
import { Flag, FrameType, readUint31, readUint32 } from "../frame/types.ts";
import { writePing, writeSettingsAck } from "../frame/writer.ts";
import {
  isInformational,
  requestProblem,
  responseProblem,
  trailersProblem,
} from "../headers/validate.ts";
import { Decoder, type DecoderLimits } from "../hpack/decoder.ts";
import type { HeaderList } from "../hpack/header-list.ts";
import {
  CONTROL_FRAMES_QUEUED_MAX,
  FRAME_BYTES_MAX,
  GLITCHES_MAX,
  GLITCHES_PER_SECOND,
  GLITCHES_PER_SERVED_CALL,
  INFORMATIONAL_MAX,
  PINGS_MAX,
  PINGS_PER_SECOND,
  PREMATURE_RESET_MS,
  WINDOW_UPDATE_BYTES_SMALL,
} from "../limits.ts";
import { State, StreamEvent } from "../stream/state.ts";
import type { Stream } from "../stream/stream.ts";
import { Budget } from "./budget.ts";
import { HeaderBlock } from "./header-block.ts";
import { Sender } from "./sender.ts";
import type { Streams } from "./streams.ts";

/** What the receiver tells the connection. */
export interface ReceiverOwner {
  /** A new valid request. Returns its user, or null when it is refused (REFUSED_STREAM). */
  acceptStream(streamId: number): Stream | null;
  reportStream(stream: Stream, list: HeaderList, isEnd: boolean): void;
  onSettings(isAck: boolean): void;
  onPingAck(bytes: Uint8Array, start: number): void;
  onGoAway(lastStreamId: number, code: ErrorCode, debugData: string): void;
}

const OK = ErrorCode.NO_ERROR;
/** Debug data of a peer's GOAWAY that is kept. */
const DEBUG_BYTES_MAX = 256;

/** The receiving half of a connection. */
export class Receiver implements FrameSink {
  readonly #role: Role;
  readonly #sender: Sender;
  readonly #streams: Streams;
  readonly #owner: ReceiverOwner;
  readonly #decoder: Decoder;
  readonly #block = new HeaderBlock();
  readonly #glitches: Budget;
  readonly #pings: Budget;
  /** Why the last error code was returned; one clause. */
  reason = "";
  /** Answers (ACKs, resets) that wait for the socket; zeroed when the kernel has everything. */
  controlQueued = 0;
  /** Whether the peer's first SETTINGS came. RFC 9113 §3.4: it is the first frame. */
  isSettled = false;
  /** Set by the connection once its last GOAWAY is out: late streams are no fault. */
  isDraining = false;
  /** Set by the connection before each push. */
  nowMs: number;
  /** HEADERS and DATA frames that came: what keepalive calls progress. */
  callFrames = 0;
  /** Glitches charged so far: for counters. */
  glitchCount = 0;
  /** The last DATA part began a padded-free frame on a stream that is unknown. */
  #dataStream: Stream | null = null;
  #isDataFresh = true;

  constructor(
    role: Role,
    sender: Sender,
    streams: Streams,
    owner: ReceiverOwner,
    limits: DecoderLimits,
    nowMs: number,
  ) {
    this.#role = role;
    this.#sender = sender;
    this.#streams = streams;
    this.#owner = owner;
    this.#decoder = new Decoder(limits);
    this.nowMs = nowMs;
    this.#glitches = new Budget(GLITCHES_MAX, GLITCHES_PER_SECOND, nowMs);
    this.#pings = new Budget(PINGS_MAX, PINGS_PER_SECOND, nowMs);
  }

  /** When the open header block began, or 0. */
  get blockStartedMs(): number {
    return this.#block.streamId === 0 ? 0 : this.#block.startedMs;
  }

  /** A call was served to its end: the peer earns glitches back. */
  earnServed(): void {
    this.#glitches.earn(GLITCHES_PER_SERVED_CALL);
  }

  /** A DATA frame was sent: a probing PING may follow. */
  earnPing(): void {
    this.#pings.earn(1);
  }

  /** Charges a glitch. Anything but NO_ERROR ends the connection. */
  glitch(what: string, cost = 1): ErrorCode {
    this.glitchCount += 1;
    if (this.#glitches.trySpend(cost, this.nowMs)) return OK;
    return this.#fail(ErrorCode.ENHANCE_YOUR_CALM, `too many glitches, the last: ${what}`);
  }

  #fail(code: ErrorCode, reason: string): ErrorCode {
    this.reason = reason;
    return code;
  }

  /** Counts an answer that waits for a peer that may not read. */
  #control(what: string): ErrorCode {
    this.controlQueued += 1;
    if (this.controlQueued <= CONTROL_FRAMES_QUEUED_MAX) return OK;
    return this.#fail(ErrorCode.ENHANCE_YOUR_CALM, `too many unread answers to ${what}`);
  }

  /** Ends one stream because of what came, and charges it. RFC 9113 §5.4.2. */
  #streamError(streamId: number, code: ErrorCode, reason: string): ErrorCode {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) this.#sender.resetId(streamId, code);
    else {
      const { events } = stream;
      this.#sender.reset(stream, code);
      events.onReset({ code, by: "library", isUnprocessed: false, reason });
    }
    const control = this.#control("bad frames");
    return control === OK ? this.glitch(reason) : control;
  }

  onFrameHead(length: number, type: number, flags: number, streamId: number): ErrorCode {
    if (length > FRAME_BYTES_MAX) {
      return this.#fail(ErrorCode.FRAME_SIZE_ERROR, "a frame above SETTINGS_MAX_FRAME_SIZE");
    }
    if (!this.isSettled && (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0)) {
      return this.#fail(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS");
    }
    const open = this.#block.streamId;
    if (open !== 0 && (type !== FrameType.CONTINUATION || streamId !== open)) {
      return this.#fail(ErrorCode.PROTOCOL_ERROR, "a header block is open");
    }
    return OK;
  }

  onFrame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ErrorCode {
    switch (type) {
      case FrameType.DATA:
        return this.#onPaddedData(flags, streamId, bytes, start, end);
      case FrameType.HEADERS:
        return this.#onHeaders(flags, streamId, bytes, start, end);
      case FrameType.PRIORITY:
        return this.#onPriority(streamId, bytes, start, end);
      case FrameType.RST_STREAM:
        return this.#onRstStream(streamId, bytes, start, end);
      case FrameType.SETTINGS:
        return this.#onSettings(flags, streamId, bytes, start, end);
      case FrameType.PUSH_PROMISE:
        return this.#fail(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE, which is switched off");
      case FrameType.PING:
        return this.#onPing(flags, streamId, bytes, start, end);
      case FrameType.GOAWAY:
        return this.#onGoAway(streamId, bytes, start, end);
      case FrameType.WINDOW_UPDATE:
        return this.#onWindowUpdate(streamId, bytes, start, end);
      case FrameType.CONTINUATION:
        return this.#onContinuation(flags, bytes, start, end);
      default:
        // RFC 9113 §4.1: unknown types are ignored.
        return this.glitch("frames of unknown types");
    }
  }

  /** RFC 9113 §6.1. */
  onDataPart(
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    isLast: boolean,
  ): ErrorCode {
    if (this.#isDataFresh) {
      const code = this.#openData(streamId);
      if (code !== OK) return code;
    }
    this.#isDataFresh = isLast;
    const count = end - start;
    const isEnd = isLast && (flags & Flag.END_STREAM) !== 0;
    if (count === 0 && !isEnd && isLast) {
      // RFC 9113 §10.5: empty frames without END_STREAM are legal and pointless (CVE-2019-9518).
      const code = this.glitch("empty DATA frames");
      if (code !== OK) return code;
    }
    return this.#onData(bytes, start, end, count, isEnd);
  }

  #onPaddedData(
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ErrorCode {
    if (streamId === 0) return this.#fail(ErrorCode.PROTOCOL_ERROR, "DATA on stream 0");
    const padding = end > start ? bytes[start]! : 0;
    if (start + 1 + padding > end) {
      return this.#fail(ErrorCode.PROTOCOL_ERROR, "padding longer than its frame");
    }
    const code = this.#openData(streamId);
    if (code !== OK) return code;
    const isEnd = (flags & Flag.END_STREAM) !== 0;
    return this.#onData(bytes, start + 1, end - padding, end - start, isEnd);
  }

  /** Finds the stream of a DATA frame that begins; `#dataStream` is null when it is to be ignored. */
  #openData(streamId: number): ErrorCode {
    this.#dataStream = null;
    if (streamId === 0) return this.#fail(ErrorCode.PROTOCOL_ERROR, "DATA on stream 0");
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      if (this.#streams.isIdle(streamId)) {
        return this.#fail(ErrorCode.PROTOCOL_ERROR, "DATA on an idle stream");
      }
      if (this.#streams.wasReset(streamId)) return OK;
      return this.#streamError(streamId, ErrorCode.STREAM_CLOSED, "DATA on a closed stream");
    }
    if (stream.isRemoteEnded) {
      return this.#streamError(streamId, ErrorCode.STREAM_CLOSED, "DATA after END_STREAM");
    }
    if (this.#role === "client" && !stream.isAnswered) {
      const reason = "DATA before the response headers";
      return this.#streamError(streamId, ErrorCode.PROTOCOL_ERROR, reason);
    }
    this.#dataStream = stream;
    return OK;
  }

  /** `flowBytes` is the payload with its padding: that is what flow control counts. */
  #onData(
    bytes: Uint8Array,
    start: number,
    end: number,
    flowBytes: number,
    isEnd: boolean,
  ): ErrorCode {
    const sender = this.#sender;
    this.callFrames += 1;
    sender.recvWindow -= flowBytes;
    if (sender.recvWindow < 0) {
      return this.#fail(ErrorCode.FLOW_CONTROL_ERROR, "more than the connection's window");
    }
    // The connection's credit comes back whatever becomes of the stream (no window leaks).
    sender.grantConnection(flowBytes);
    const stream = this.#dataStream;
    if (stream === null || stream.state === State.CLOSED) return OK;
    stream.recvWindow -= flowBytes;
    const count = end - start;
    if (stream.recvWindow < 0) {
      const reason = "more than the stream's window";
      return this.#streamError(stream.id, ErrorCode.FLOW_CONTROL_ERROR, reason);
    }
    if (stream.bodyLeft >= 0) {
      stream.bodyLeft -= count;
      // RFC 9113 §8.1.1.
      if (stream.bodyLeft < 0 || (isEnd && stream.bodyLeft > 0)) {
        const reason = "a body that differs from its content-length";
        return this.#streamError(stream.id, ErrorCode.PROTOCOL_ERROR, reason);
      }
    }
    if (isEnd) stream.move(StreamEvent.RECV_END);
    if (count > 0 || isEnd) {
      const done = stream.events.onData(bytes, start, end, isEnd);
      stream.heldBytes += count - done;
      sender.heldBytes += count - done;
      if (stream.state === State.CLOSED) sender.forget(stream);
      else sender.grant(stream, done + flowBytes - count);
    } else sender.grant(stream, flowBytes);
    return OK;
  }

  /** RFC 9113 §6.2. */
  #onHeaders(
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ErrorCode {
    if (streamId === 0) return this.#fail(ErrorCode.PROTOCOL_ERROR, "HEADERS on stream 0");
    let from = start;
    let to = end;
    if ((flags & Flag.PADDED) !== 0) {
      if (from < to) to -= bytes[from]!;
      from += 1;
    }
    let isSelfDependent = false;
    if ((flags & Flag.PRIORITY) !== 0) {
      if (from + 5 <= to) isSelfDependent = readUint31(bytes, from) === streamId;
      from += 5;
    }
    if (from > to) return this.#fail(ErrorCode.PROTOCOL_ERROR, "padding longer than its frame");
    if ((flags & Flag.END_HEADERS) === 0) {
      const code = this.#block.open(streamId, flags, bytes, from, to, this.nowMs);
      return code === OK ? OK : this.#fail(code, "a header block that is too large");
    }
    const code = this.#onBlock(streamId, flags, bytes, from, to);
    if (code !== OK || !isSelfDependent) return code;
    // RFC 7540 §5.3.1; RFC 9113 keeps the priority fields only to be skipped.
    if (this.#streams.get(streamId) === undefined) return OK;
    return this.#streamError(streamId, ErrorCode.PROTOCOL_ERROR, "a stream depends on itself");
  }

  /** RFC 9113 §6.10. */
  #onContinuation(flags: number, bytes: Uint8Array, start: number, end: number): ErrorCode {
    const block = this.#block;
    if (block.streamId === 0) {
      return this.#fail(ErrorCode.PROTOCOL_ERROR, "CONTINUATION without an open header block");
    }
    let code = block.add(bytes, start, end);
    if (code !== OK) return this.#fail(code, "a header block with too many or too large frames");
    if (start === end) {
      code = this.glitch("empty CONTINUATION frames");
      if (code !== OK) return code;
    }
    if ((flags & Flag.END_HEADERS) === 0) return OK;
    const { streamId } = block;
    const all = block.bytes!;
    const { length } = block;
    const headFlags = block.flags;
    block.close();
    return this.#onBlock(streamId, headFlags, all, 0, length);
  }

  /** A whole header block. It is always decoded: the table must stay in step. RFC 9113 §4.3. */
  #onBlock(
    streamId: number,
    flags: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ErrorCode {
    this.callFrames += 1;
    const list = this.#decoder.decode(bytes, start, end);
    if (list === null) {
      return this.#fail(ErrorCode.COMPRESSION_ERROR, "a header block that cannot be decoded");
    }
    const isEnd = (flags & Flag.END_STREAM) !== 0;
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) {
      if (stream.isRemoteEnded) {
        return this.#streamError(streamId, ErrorCode.STREAM_CLOSED, "HEADERS after END_STREAM");
      }
      return this.#role === "client" && !stream.isAnswered
        ? this.#onResponse(stream, list, isEnd)
        : this.#onTrailers(stream, list, isEnd);
    }
    if (this.#streams.isIdle(streamId)) {
      if (this.#role === "client" || (streamId & 1) === 0) {
        return this.#fail(ErrorCode.PROTOCOL_ERROR, "HEADERS on a stream that nobody opened");
      }
      return this.#onRequest(streamId, list, isEnd);
    }
    if (this.#streams.wasReset(streamId)) return OK;
    // RFC 9113 §5.1: HEADERS on a stream that both sides ended is a connection error.
    return this.#fail(ErrorCode.STREAM_CLOSED, "HEADERS on a closed stream");
  }

  #onRequest(streamId: number, list: HeaderList, isEnd: boolean): ErrorCode {
    const problem = list.isTooLarge ? "" : requestProblem(list);
    if (problem !== "" || this.#isBodyMissing(list, isEnd)) {
      this.#streams.lastId = streamId;
      const reason = problem === "" ? "a body that differs from its content-length" : problem;
      return this.#streamError(streamId, ErrorCode.PROTOCOL_ERROR, reason);
    }
    const stream = this.#owner.acceptStream(streamId);
    if (stream === null) {
      if (this.isDraining) return OK;
      const code = this.#control("refused streams");
      return code === OK ? this.glitch("streams above the limit") : code;
    }
    stream.expectBody(list);
    if (isEnd) stream.move(StreamEvent.RECV_END);
    this.#owner.reportStream(stream, list, isEnd);
    return list.isTooLarge ? this.glitch("header lists that are too large", 10) : OK;
  }

  #isBodyMissing(list: HeaderList, isEnd: boolean): boolean {
    return isEnd && list.contentLength !== null && Number(list.contentLength.value) > 0;
  }

  #onResponse(stream: Stream, list: HeaderList, isEnd: boolean): ErrorCode {
    let problem = list.isTooLarge ? "response headers that are too large" : responseProblem(list);
    if (problem === "" && isInformational(list)) {
      stream.informationalCount += 1;
      if (isEnd) problem = "END_STREAM on an informational response";
      else if (stream.informationalCount > INFORMATIONAL_MAX) {
        problem = "too many informational responses";
      } else {
        stream.events.onInformational(list);
        return OK;
      }
    }
    if (problem !== "") {
      return this.#streamError(stream.id, ErrorCode.PROTOCOL_ERROR, problem);
    }
    stream.isAnswered = true;
    // An answer to HEAD, or 304, announces a body that does not come. RFC 9110 §8.6.
    if (!isEnd) stream.expectBody(list);
    if (isEnd) stream.move(StreamEvent.RECV_END);
    stream.events.onHeaders(list, isEnd);
    if (stream.state === State.CLOSED) this.#sender.forget(stream);
    return OK;
  }

  #onTrailers(stream: Stream, list: HeaderList, isEnd: boolean): ErrorCode {
    let problem = list.isTooLarge ? "trailers that are too large" : trailersProblem(list);
    if (problem === "" && !isEnd) problem = "trailers without END_STREAM";
    if (problem === "" && stream.bodyLeft > 0) {
      problem = "a body that differs from its content-length";
    }
    if (problem !== "") {
      return this.#streamError(stream.id, ErrorCode.PROTOCOL_ERROR, problem);
    }
    stream.move(StreamEvent.RECV_END);
    stream.events.onTrailers(list);
    if (stream.state === State.CLOSED) this.#sender.forget(stream);
    return OK;
  }

  /** RFC 9113 §6.3: deprecated, checked, ignored. */
  #onPriority(streamId: number, bytes: Uint8Array, start: number, end: number): ErrorCode {
    if (streamId === 0) return this.#fail(ErrorCode.PROTOCOL_ERROR, "PRIORITY on stream 0");
    if (end - start !== 5) {
      return this.#streamError(streamId, ErrorCode.FRAME_SIZE_ERROR, "PRIORITY of a wrong size");
    }
    if (readUint31(bytes, start) === streamId) {
      return this.#streamError(streamId, ErrorCode.PROTOCOL_ERROR, "a stream depends on itself");
    }
    return this.glitch("PRIORITY frames");
  }

  /** RFC 9113 §6.4. */
  #onRstStream(streamId: number, bytes: Uint8Array, start: number, end: number): ErrorCode {
    if (streamId === 0) return this.#fail(ErrorCode.PROTOCOL_ERROR, "RST_STREAM on stream 0");
    if (end - start !== 4) {
      return this.#fail(ErrorCode.FRAME_SIZE_ERROR, "RST_STREAM of a wrong size");
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      if (!this.#streams.isIdle(streamId)) return OK;
      return this.#fail(ErrorCode.PROTOCOL_ERROR, "RST_STREAM on an idle stream");
    }
    const code = readUint32(bytes, start);
    const isPremature = !stream.isAnswered && this.nowMs - stream.openedMs < PREMATURE_RESET_MS;
    if (stream.isAnswered) this.earnServed();
    const { events } = stream;
    this.#sender.forgetReset(stream);
    const failure: StreamFailure = {
      code,
      by: "remote",
      isUnprocessed: code === ErrorCode.REFUSED_STREAM && this.#role === "client",
      reason: "the peer reset the stream",
    };
    events.onReset(failure);
    // CVE-2023-44487: opened and reset before its slot ever counted.
    return isPremature && this.#role === "server" ? this.glitch("streams reset at once") : OK;
  }

  /** RFC 9113 §6.5. */
  #onSettings(
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ErrorCode {
    if (streamId !== 0) return this.#fail(ErrorCode.PROTOCOL_ERROR, "SETTINGS on a stream");
    if ((flags & Flag.ACK) !== 0) {
      if (start !== end)
        return this.#fail(ErrorCode.FRAME_SIZE_ERROR, "a SETTINGS ACK with payload");
      this.#owner.onSettings(true);
      return OK;
    }
    if ((end - start) % 6 !== 0) {
      return this.#fail(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS of a wrong size");
    }
    const { remote } = this.#sender;
    const windowBefore = remote.initialWindowBytes;
    // RFC 9113 §6.5.2: without the setting there is no limit.
    if (!this.isSettled) remote.maxStreams = Number.POSITIVE_INFINITY;
    let code = remote.apply(bytes, start, end, this.#role === "client");
    if (code !== OK) return this.#fail(code, "SETTINGS with a value out of range");
    code = this.#shiftWindows(remote.initialWindowBytes - windowBefore);
    if (code !== OK) return code;
    this.#sender.encoder.setTableBytesMax(remote.headerTableBytes);
    const isFirst = !this.isSettled;
    this.isSettled = true;
    writeSettingsAck(this.#sender.output);
    this.#sender.touch();
    this.#owner.onSettings(false);
    if (isFirst) return OK;
    code = this.#control("SETTINGS");
    return code === OK ? this.glitch("SETTINGS frames", 4) : code;
  }

  /** RFC 9113 §6.9.2: a new initial window moves all stream windows. */
  #shiftWindows(delta: number): ErrorCode {
    if (delta === 0) return OK;
    for (const stream of this.#streams.values()) {
      if (!Sender.canGrow(stream.sendWindow, delta)) {
        return this.#fail(ErrorCode.FLOW_CONTROL_ERROR, "a stream window above 2^31-1");
      }
      stream.sendWindow += delta;
    }
    if (delta > 0) this.#sender.pump();
    return OK;
  }

  /** RFC 9113 §6.7. */
  #onPing(
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ErrorCode {
    if (streamId !== 0) return this.#fail(ErrorCode.PROTOCOL_ERROR, "PING on a stream");
    if (end - start !== 8) return this.#fail(ErrorCode.FRAME_SIZE_ERROR, "PING of a wrong size");
    if ((flags & Flag.ACK) !== 0) {
      this.#owner.onPingAck(bytes, start);
      return OK;
    }
    writePing(this.#sender.output, true, bytes, start);
    this.#sender.touch();
    if (!this.#pings.trySpend(1, this.nowMs)) {
      return this.#fail(ErrorCode.ENHANCE_YOUR_CALM, "too many PINGs");
    }
    return this.#control("PING");
  }

  /** RFC 9113 §6.8. */
  #onGoAway(streamId: number, bytes: Uint8Array, start: number, end: number): ErrorCode {
    if (streamId !== 0) return this.#fail(ErrorCode.PROTOCOL_ERROR, "GOAWAY on a stream");
    if (end - start < 8) return this.#fail(ErrorCode.FRAME_SIZE_ERROR, "GOAWAY of a wrong size");
    const debugEnd = Math.min(end, start + 8 + DEBUG_BYTES_MAX);
    const debug = Buffer.from(bytes.subarray(start + 8, debugEnd)).toString("utf8");
    this.#owner.onGoAway(readUint31(bytes, start), readUint32(bytes, start + 4), debug);
    return this.glitch("GOAWAY frames");
  }

  /** RFC 9113 §6.9. */
  #onWindowUpdate(streamId: number, bytes: Uint8Array, start: number, end: number): ErrorCode {
    if (end - start !== 4) {
      return this.#fail(ErrorCode.FRAME_SIZE_ERROR, "WINDOW_UPDATE of a wrong size");
    }
    const increment = readUint31(bytes, start);
    if (streamId === 0) return this.#onConnectionWindow(increment);
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      if (!this.#streams.isIdle(streamId)) return OK;
      return this.#fail(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE on an idle stream");
    }
    if (increment === 0) {
      return this.#streamError(streamId, ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
    }
    if (!Sender.canGrow(stream.sendWindow, increment)) {
      const reason = "a stream window above 2^31-1";
      return this.#streamError(streamId, ErrorCode.FLOW_CONTROL_ERROR, reason);
    }
    stream.sendWindow += increment;
    this.#sender.pumpStream(stream);
    return increment < WINDOW_UPDATE_BYTES_SMALL ? this.glitch("tiny WINDOW_UPDATEs", 0.2) : OK;
  }

  #onConnectionWindow(increment: number): ErrorCode {
    const sender = this.#sender;
    if (increment === 0) return this.#fail(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
    if (!Sender.canGrow(sender.window, increment)) {
      return this.#fail(ErrorCode.FLOW_CONTROL_ERROR, "a connection window above 2^31-1");
    }
    sender.window += increment;
    sender.pump();
    return increment < WINDOW_UPDATE_BYTES_SMALL ? this.glitch("tiny WINDOW_UPDATEs", 0.2) : OK;
  }
}

/** Users of streams that nobody set yet hear nothing: a placeholder until `onStream` returned. */
export const NO_EVENTS: StreamEvents = {
  onHeaders() {},
  onInformational() {},
  onData: (_bytes, start, end) => end - start,
  onTrailers() {},
  onReset() {},
  onWritable() {},
};
