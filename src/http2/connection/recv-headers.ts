/**
 * What a connection receives as header blocks: requests, responses, trailers. RFC 9113 §4.3, §6.2,
 * §6.10, §8.1.
 */

import type { Role } from "../config.ts";
import { ErrorCode } from "../error-code.ts";
import { Flag, readUint31 } from "../frame/types.ts";
import {
  isBodiless,
  isInformational,
  requestProblem,
  responseProblem,
  trailersProblem,
} from "../headers/validate.ts";
import { Decoder, type DecoderLimits } from "../hpack/decoder.ts";
import type { HeaderList } from "../hpack/header-list.ts";
import { INFORMATIONAL_MAX } from "../limits.ts";
import { isOverloaded } from "../overload.ts";
import { State, StreamEvent } from "../stream/state.ts";
import type { Stream } from "../stream/stream.ts";
import type { Faults } from "./faults.ts";
import { HeaderBlock } from "./header-block.ts";
import type { Sender } from "./sender.ts";
import type { Streams } from "./streams.ts";

const OK = ErrorCode.NO_ERROR;
/** RFC 9113 §8.1.1. */
const WRONG_LENGTH = "a body that differs from its content-length";

/** What the headers tell the connection. */
export interface HeadersOwner {
  /** A new valid request: makes its stream, or null when it is refused. */
  acceptStream(streamId: number): Stream | null;
  /** The stream of a new request is ready to be used. */
  reportStream(stream: Stream, list: HeaderList, isEnd: boolean): void;
}

/** The header half of a `Receiver`. */
export class HeadersReceiver {
  readonly #role: Role;
  readonly #sender: Sender;
  readonly #streams: Streams;
  readonly #faults: Faults;
  readonly #owner: HeadersOwner;
  readonly #decoder: Decoder;
  /** The block that is open between HEADERS and END_HEADERS. */
  readonly block = new HeaderBlock();
  /** Our last GOAWAY is out: late streams are no fault. */
  isDraining = false;
  /** Header blocks that came. */
  blockCount = 0;

  constructor(
    role: Role,
    sender: Sender,
    streams: Streams,
    faults: Faults,
    owner: HeadersOwner,
    limits: DecoderLimits,
  ) {
    this.#role = role;
    this.#sender = sender;
    this.#streams = streams;
    this.#faults = faults;
    this.#owner = owner;
    this.#decoder = new Decoder(limits);
  }

  /** RFC 9113 §6.2. */
  onHeaders(
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ErrorCode {
    if (streamId === 0) return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "HEADERS on stream 0");
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
    if (from > to)
      return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "padding longer than its frame");
    if ((flags & Flag.END_HEADERS) === 0) {
      const code = this.block.open(streamId, flags, bytes, from, to, this.#faults.nowMs);
      return code === OK ? OK : this.#faults.fail(code, "a header block that is too large");
    }
    const code = this.#onBlock(streamId, flags, bytes, from, to);
    if (code !== OK || !isSelfDependent) return code;
    // RFC 7540 §5.3.1; RFC 9113 keeps the priority fields only to be skipped.
    if (this.#streams.get(streamId) === undefined) return OK;
    return this.#faults.streamError(
      streamId,
      ErrorCode.PROTOCOL_ERROR,
      "a stream depends on itself",
    );
  }

  /** RFC 9113 §6.10. */
  onContinuation(flags: number, bytes: Uint8Array, start: number, end: number): ErrorCode {
    const block = this.block;
    if (block.streamId === 0) {
      return this.#faults.fail(
        ErrorCode.PROTOCOL_ERROR,
        "CONTINUATION without an open header block",
      );
    }
    let code = block.add(bytes, start, end);
    if (code !== OK)
      return this.#faults.fail(code, "a header block with too many or too large frames");
    if (start === end) {
      code = this.#faults.glitch("empty CONTINUATION frames");
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
    this.blockCount += 1;
    const list = this.#decoder.decode(bytes, start, end);
    if (list === null) {
      return this.#faults.fail(
        ErrorCode.COMPRESSION_ERROR,
        "a header block that cannot be decoded",
      );
    }
    const isEnd = (flags & Flag.END_STREAM) !== 0;
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) {
      if (stream.isRemoteEnded) {
        return this.#faults.streamError(
          streamId,
          ErrorCode.STREAM_CLOSED,
          "HEADERS after END_STREAM",
        );
      }
      return this.#role === "client" && !stream.isAnswered
        ? this.#onResponse(stream, list, isEnd)
        : this.#onTrailers(stream, list, isEnd);
    }
    if (this.#streams.isIdle(streamId)) {
      if (this.#role === "client" || (streamId & 1) === 0) {
        return this.#faults.fail(
          ErrorCode.PROTOCOL_ERROR,
          "HEADERS on a stream that nobody opened",
        );
      }
      return this.#onRequest(streamId, list, isEnd);
    }
    if (this.#streams.wasReset(streamId)) return OK;
    // RFC 9113 §5.1: HEADERS on a stream that both sides ended is a connection error.
    return this.#faults.fail(ErrorCode.STREAM_CLOSED, "HEADERS on a closed stream");
  }

  #onRequest(streamId: number, list: HeaderList, isEnd: boolean): ErrorCode {
    const problem = list.isTooLarge ? "" : requestProblem(list);
    if (problem !== "" || this.#isBodyMissing(list, isEnd)) {
      this.#streams.lastId = streamId;
      const reason = problem === "" ? WRONG_LENGTH : problem;
      return this.#faults.streamError(streamId, ErrorCode.PROTOCOL_ERROR, reason);
    }
    const stream = this.#owner.acceptStream(streamId);
    if (stream === null) {
      if (this.isDraining || isOverloaded()) return OK;
      const code = this.#faults.control("refused streams");
      return code === OK ? this.#faults.glitch("streams above the limit") : code;
    }
    stream.expectBody(list);
    if (isEnd) stream.move(StreamEvent.RECV_END);
    this.#owner.reportStream(stream, list, isEnd);
    return list.isTooLarge ? this.#faults.glitch("header lists that are too large", 10) : OK;
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
    const hasBody = !stream.isHead && !isBodiless(list);
    if (problem === "" && hasBody && this.#isBodyMissing(list, isEnd)) problem = WRONG_LENGTH;
    if (problem !== "") {
      return this.#faults.streamError(stream.id, ErrorCode.PROTOCOL_ERROR, problem);
    }
    stream.isAnswered = true;
    if (!isEnd && hasBody) stream.expectBody(list);
    if (isEnd) stream.move(StreamEvent.RECV_END);
    stream.events.onHeaders(list, isEnd);
    if (stream.state === State.CLOSED) this.#sender.forget(stream);
    return OK;
  }

  #onTrailers(stream: Stream, list: HeaderList, isEnd: boolean): ErrorCode {
    let problem = list.isTooLarge ? "trailers that are too large" : trailersProblem(list);
    if (problem === "" && !isEnd) problem = "trailers without END_STREAM";
    if (problem === "" && stream.bodyLeft > 0) problem = WRONG_LENGTH;
    if (problem !== "") {
      return this.#faults.streamError(stream.id, ErrorCode.PROTOCOL_ERROR, problem);
    }
    stream.move(StreamEvent.RECV_END);
    stream.events.onTrailers(list);
    if (stream.state === State.CLOSED) this.#sender.forget(stream);
    return OK;
  }
}
