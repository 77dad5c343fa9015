/**
 * Everything that a connection receives, frame by frame: what the head alone forbids, then
 * dispatch. RFC 9113 §4, §5.5.
 *
 * The rules per frame type live with `DataReceiver`, `HeadersReceiver` and `ControlReceiver`; what
 * a peer does wrong is kept by `Faults`. Bad bytes never throw.
 */

import type { Role } from "../config.ts";
import { ErrorCode } from "../error-code.ts";
import type { FrameSink } from "../frame/decoder.ts";
import { Flag, FrameType } from "../frame/types.ts";
import type { DecoderLimits } from "../hpack/decoder.ts";
import { FRAME_BYTES_MAX } from "../limits.ts";
import type { Faults } from "./faults.ts";
import { type ControlOwner, ControlReceiver } from "./recv-control.ts";
import { DataReceiver } from "./recv-data.ts";
import { type HeadersOwner, HeadersReceiver } from "./recv-headers.ts";
import type { Sender } from "./sender.ts";
import type { Streams } from "./streams.ts";

const OK = ErrorCode.NO_ERROR;

/** What the receiver tells the connection. */
export interface ReceiverOwner extends HeadersOwner, ControlOwner {}

/** The receiving half of a connection. */
export class Receiver implements FrameSink {
  readonly #faults: Faults;
  readonly #data: DataReceiver;
  readonly #headers: HeadersReceiver;
  readonly #control: ControlReceiver;

  constructor(
    role: Role,
    sender: Sender,
    streams: Streams,
    faults: Faults,
    owner: ReceiverOwner,
    limits: DecoderLimits,
  ) {
    this.#faults = faults;
    this.#data = new DataReceiver(role, sender, streams, faults);
    this.#headers = new HeadersReceiver(role, sender, streams, faults, owner, limits);
    this.#control = new ControlReceiver(role, sender, streams, faults, owner);
  }

  /** Whether the peer's first SETTINGS came. */
  get isSettled(): boolean {
    return this.#control.isSettled;
  }

  /** When the open header block began, or 0. */
  get blockStartedMs(): number {
    const { block } = this.#headers;
    return block.streamId === 0 ? 0 : block.startedMs;
  }

  /** HEADERS and DATA that came: what keepalive calls progress. */
  get callFrames(): number {
    return this.#headers.blockCount + this.#data.partCount;
  }

  /** Our last GOAWAY is out: late streams are no fault. */
  setDraining(): void {
    this.#headers.isDraining = true;
  }

  onFrameHead(length: number, type: number, flags: number, streamId: number): ErrorCode {
    // Ended by one of its users in the middle of a read. The code is not sent any more.
    if (this.#faults.isOver) return ErrorCode.INTERNAL_ERROR;
    if (length > FRAME_BYTES_MAX) {
      return this.#faults.fail(ErrorCode.FRAME_SIZE_ERROR, "a frame above SETTINGS_MAX_FRAME_SIZE");
    }
    if (!this.#control.isSettled && (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0)) {
      return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS");
    }
    const open = this.#headers.block.streamId;
    if (open !== 0 && (type !== FrameType.CONTINUATION || streamId !== open)) {
      return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "a header block is open");
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
        return this.#data.onPaddedData(flags, streamId, bytes, start, end);
      case FrameType.HEADERS:
        return this.#headers.onHeaders(flags, streamId, bytes, start, end);
      case FrameType.PRIORITY:
        return this.#control.onPriority(streamId, bytes, start, end);
      case FrameType.RST_STREAM:
        return this.#control.onRstStream(streamId, bytes, start, end);
      case FrameType.SETTINGS:
        return this.#control.onSettings(flags, streamId, bytes, start, end);
      case FrameType.PUSH_PROMISE:
        return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE, which is switched off");
      case FrameType.PING:
        return this.#control.onPing(flags, streamId, bytes, start, end);
      case FrameType.GOAWAY:
        return this.#control.onGoAway(streamId, bytes, start, end);
      case FrameType.WINDOW_UPDATE:
        return this.#control.onWindowUpdate(streamId, bytes, start, end);
      case FrameType.CONTINUATION:
        return this.#headers.onContinuation(flags, bytes, start, end);
      default:
        // RFC 9113 §4.1: unknown types are ignored.
        return this.#faults.glitch("frames of unknown types");
    }
  }

  onDataPart(
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    isLast: boolean,
  ): ErrorCode {
    return this.#data.onDataPart(flags, streamId, bytes, start, end, isLast);
  }
}
