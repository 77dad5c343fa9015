/**
 * What a connection receives as DATA: the stream it is for, both windows, the announced length.
 * RFC 9113 §6.1, §6.9, §8.1.1.
 */

import type { Role } from "../config.ts";
import { ErrorCode } from "../error-code.ts";
import { Flag } from "../frame/types.ts";
import { State, StreamEvent } from "../stream/state.ts";
import type { Stream } from "../stream/stream.ts";
import type { Faults } from "./faults.ts";
import type { Sender } from "./sender.ts";
import type { Streams } from "./streams.ts";

const OK = ErrorCode.NO_ERROR;
/** RFC 9113 §10.5: without END_STREAM they are legal and pointless (CVE-2019-9518). */
const EMPTY_DATA = "empty DATA frames";

/** The DATA half of a `Receiver`. */
export class DataReceiver {
  readonly #role: Role;
  readonly #sender: Sender;
  readonly #streams: Streams;
  readonly #faults: Faults;
  /** The stream of the frame that is being received; null when its payload is to be ignored. */
  #dataStream: Stream | null = null;
  #isDataFresh = true;
  /** DATA parts that came. */
  partCount = 0;

  constructor(role: Role, sender: Sender, streams: Streams, faults: Faults) {
    this.#role = role;
    this.#sender = sender;
    this.#streams = streams;
    this.#faults = faults;
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
      const code = this.#faults.glitch(EMPTY_DATA);
      if (code !== OK) return code;
    }
    return this.#onData(bytes, start, end, count, isEnd);
  }

  onPaddedData(
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ErrorCode {
    if (streamId === 0) return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "DATA on stream 0");
    const padding = end > start ? bytes[start]! : 0;
    if (start + 1 + padding > end) {
      return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "padding longer than its frame");
    }
    const code = this.#openData(streamId);
    if (code !== OK) return code;
    const isEnd = (flags & Flag.END_STREAM) !== 0;
    if (start + 1 + padding === end && !isEnd) {
      const glitch = this.#faults.glitch(EMPTY_DATA);
      if (glitch !== OK) return glitch;
    }
    return this.#onData(bytes, start + 1, end - padding, end - start, isEnd);
  }

  /**
   * Finds the stream of a DATA frame that begins; `#dataStream` is null when it is to be ignored.
   */
  #openData(streamId: number): ErrorCode {
    this.#dataStream = null;
    if (streamId === 0) return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "DATA on stream 0");
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      if (this.#streams.isIdle(streamId)) {
        return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "DATA on an idle stream");
      }
      if (this.#streams.wasReset(streamId)) return OK;
      return this.#faults.streamError(streamId, ErrorCode.STREAM_CLOSED, "DATA on a closed stream");
    }
    if (stream.isRemoteEnded) {
      return this.#faults.streamError(streamId, ErrorCode.STREAM_CLOSED, "DATA after END_STREAM");
    }
    if (this.#role === "client" && !stream.isAnswered) {
      const reason = "DATA before the response headers";
      return this.#faults.streamError(streamId, ErrorCode.PROTOCOL_ERROR, reason);
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
    this.partCount += 1;
    sender.recvWindow -= flowBytes;
    if (sender.recvWindow < 0) {
      return this.#faults.fail(ErrorCode.FLOW_CONTROL_ERROR, "more than the connection's window");
    }
    // The connection's credit comes back whatever becomes of the stream (no window leaks).
    sender.grantConnection(flowBytes);
    const stream = this.#dataStream;
    if (stream === null || stream.state === State.CLOSED) return OK;
    stream.recvWindow -= flowBytes;
    const count = end - start;
    if (stream.recvWindow < 0) {
      const reason = "more than the stream's window";
      return this.#faults.streamError(stream.id, ErrorCode.FLOW_CONTROL_ERROR, reason);
    }
    if (stream.bodyLeft >= 0) {
      stream.bodyLeft -= count;
      // RFC 9113 §8.1.1.
      if (stream.bodyLeft < 0 || (isEnd && stream.bodyLeft > 0)) {
        const reason = "a body that differs from its content-length";
        return this.#faults.streamError(stream.id, ErrorCode.PROTOCOL_ERROR, reason);
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
}
