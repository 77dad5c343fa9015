/**
 * What a connection receives besides calls: SETTINGS, PING, GOAWAY, WINDOW_UPDATE, RST_STREAM,
 * PRIORITY. RFC 9113 §6.3-§6.9.
 */

import type { Role } from "../config.ts";
import { ErrorCode } from "../error-code.ts";
import type { StreamFailure } from "../events.ts";
import { Flag, readUint31, readUint32 } from "../frame/types.ts";
import { writePing, writeSettingsAck } from "../frame/writer.ts";
import { PREMATURE_RESET_MS, WINDOW_UPDATE_BYTES_SMALL } from "../limits.ts";
import type { Faults } from "./faults.ts";
import { Sender } from "./sender.ts";
import type { Streams } from "./streams.ts";

const OK = ErrorCode.NO_ERROR;
/** Debug data of a peer's GOAWAY that is kept. */
const DEBUG_BYTES_MAX = 256;

/** What control frames tell the connection. */
export interface ControlOwner {
  /** SETTINGS, or the ACK of ours. */
  onSettings(isAck: boolean): void;
  /** The ACK of a PING with the payload bytes[start, start + 8). */
  onPingAck(bytes: Uint8Array, start: number): void;
  /** The peer's GOAWAY. */
  onGoAway(lastStreamId: number, code: ErrorCode, debugData: string): void;
}

/** The control half of a `Receiver`. */
export class ControlReceiver {
  readonly #role: Role;
  readonly #sender: Sender;
  readonly #streams: Streams;
  readonly #faults: Faults;
  readonly #owner: ControlOwner;
  /** Whether the peer's first SETTINGS came. RFC 9113 §3.4: it is the first frame. */
  isSettled = false;

  constructor(role: Role, sender: Sender, streams: Streams, faults: Faults, owner: ControlOwner) {
    this.#role = role;
    this.#sender = sender;
    this.#streams = streams;
    this.#faults = faults;
    this.#owner = owner;
  }

  /** RFC 9113 §6.3: deprecated, checked, ignored. */
  onPriority(streamId: number, bytes: Uint8Array, start: number, end: number): ErrorCode {
    if (streamId === 0) return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "PRIORITY on stream 0");
    if (end - start !== 5) {
      return this.#faults.streamError(
        streamId,
        ErrorCode.FRAME_SIZE_ERROR,
        "PRIORITY of a wrong size",
      );
    }
    if (readUint31(bytes, start) === streamId) {
      return this.#faults.streamError(
        streamId,
        ErrorCode.PROTOCOL_ERROR,
        "a stream depends on itself",
      );
    }
    return this.#faults.glitch("PRIORITY frames");
  }

  /** RFC 9113 §6.4. */
  onRstStream(streamId: number, bytes: Uint8Array, start: number, end: number): ErrorCode {
    if (streamId === 0)
      return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "RST_STREAM on stream 0");
    if (end - start !== 4) {
      return this.#faults.fail(ErrorCode.FRAME_SIZE_ERROR, "RST_STREAM of a wrong size");
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      if (!this.#streams.isIdle(streamId)) return OK;
      return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "RST_STREAM on an idle stream");
    }
    const code = readUint32(bytes, start);
    const isPremature =
      !stream.isAnswered && this.#faults.nowMs - stream.openedMs < PREMATURE_RESET_MS;
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
    return isPremature && this.#role === "server"
      ? this.#faults.glitch("streams reset at once")
      : OK;
  }

  /** RFC 9113 §6.5. */
  onSettings(
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ErrorCode {
    if (streamId !== 0) return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "SETTINGS on a stream");
    if ((flags & Flag.ACK) !== 0) {
      if (start !== end)
        return this.#faults.fail(ErrorCode.FRAME_SIZE_ERROR, "a SETTINGS ACK with payload");
      this.#owner.onSettings(true);
      return OK;
    }
    if ((end - start) % 6 !== 0) {
      return this.#faults.fail(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS of a wrong size");
    }
    const { remote } = this.#sender;
    const windowBefore = remote.initialWindowBytes;
    // RFC 9113 §6.5.2: without the setting there is no limit.
    if (!this.isSettled) remote.maxStreams = Number.POSITIVE_INFINITY;
    let code = remote.apply(bytes, start, end, this.#role === "client");
    if (code !== OK) return this.#faults.fail(code, settingsFault(code));
    code = this.#shiftWindows(remote.initialWindowBytes - windowBefore);
    if (code !== OK) return code;
    // RFC 7541 §4.2: also a limit that the same frame raises again has emptied the peer's table.
    this.#sender.encoder.setTableBytesMax(remote.headerTableBytesMin);
    this.#sender.encoder.setTableBytesMax(remote.headerTableBytes);
    const isFirst = !this.isSettled;
    this.isSettled = true;
    writeSettingsAck(this.#sender.output);
    this.#sender.touch();
    this.#owner.onSettings(false);
    if (isFirst) return OK;
    code = this.#faults.control("SETTINGS");
    return code === OK ? this.#faults.glitch("SETTINGS frames", 4) : code;
  }

  /** RFC 9113 §6.9.2: a new initial window moves all stream windows. */
  #shiftWindows(delta: number): ErrorCode {
    if (delta === 0) return OK;
    for (const stream of this.#streams.list()) {
      if (!Sender.canGrow(stream.sendWindow, delta)) {
        return this.#faults.fail(ErrorCode.FLOW_CONTROL_ERROR, "a stream window above 2^31-1");
      }
      stream.sendWindow += delta;
    }
    if (delta > 0) this.#sender.pumpStreams();
    return OK;
  }

  /** RFC 9113 §6.7. */
  onPing(
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ErrorCode {
    if (streamId !== 0) return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "PING on a stream");
    if (end - start !== 8)
      return this.#faults.fail(ErrorCode.FRAME_SIZE_ERROR, "PING of a wrong size");
    if ((flags & Flag.ACK) !== 0) {
      this.#owner.onPingAck(bytes, start);
      return OK;
    }
    writePing(this.#sender.output, true, bytes, start);
    this.#sender.touch();
    if (!this.#faults.trySpendPing()) {
      return this.#faults.fail(ErrorCode.ENHANCE_YOUR_CALM, "too many PINGs");
    }
    return this.#faults.control("PING");
  }

  /** RFC 9113 §6.8. */
  onGoAway(streamId: number, bytes: Uint8Array, start: number, end: number): ErrorCode {
    if (streamId !== 0) return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "GOAWAY on a stream");
    if (end - start < 8)
      return this.#faults.fail(ErrorCode.FRAME_SIZE_ERROR, "GOAWAY of a wrong size");
    const debugEnd = Math.min(end, start + 8 + DEBUG_BYTES_MAX);
    const debug = Buffer.from(bytes.subarray(start + 8, debugEnd)).toString("utf8");
    this.#owner.onGoAway(readUint31(bytes, start), readUint32(bytes, start + 4), debug);
    return this.#faults.glitch("GOAWAY frames");
  }

  /** RFC 9113 §6.9. */
  onWindowUpdate(streamId: number, bytes: Uint8Array, start: number, end: number): ErrorCode {
    if (end - start !== 4) {
      return this.#faults.fail(ErrorCode.FRAME_SIZE_ERROR, "WINDOW_UPDATE of a wrong size");
    }
    const increment = readUint31(bytes, start);
    if (streamId === 0) return this.#onConnectionWindow(increment);
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      if (!this.#streams.isIdle(streamId)) return OK;
      return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE on an idle stream");
    }
    if (increment === 0) {
      return this.#faults.streamError(streamId, ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
    }
    if (!Sender.canGrow(stream.sendWindow, increment)) {
      const reason = "a stream window above 2^31-1";
      return this.#faults.streamError(streamId, ErrorCode.FLOW_CONTROL_ERROR, reason);
    }
    stream.sendWindow += increment;
    this.#sender.pumpStream(stream);
    return increment < WINDOW_UPDATE_BYTES_SMALL
      ? this.#faults.glitch("tiny WINDOW_UPDATEs", 0.2)
      : OK;
  }

  #onConnectionWindow(increment: number): ErrorCode {
    const sender = this.#sender;
    if (increment === 0) return this.#faults.fail(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
    if (!Sender.canGrow(sender.window, increment)) {
      return this.#faults.fail(ErrorCode.FLOW_CONTROL_ERROR, "a connection window above 2^31-1");
    }
    sender.window += increment;
    sender.pump();
    return increment < WINDOW_UPDATE_BYTES_SMALL
      ? this.#faults.glitch("tiny WINDOW_UPDATEs", 0.2)
      : OK;
  }
}

function settingsFault(code: ErrorCode): string {
  return code === ErrorCode.ENHANCE_YOUR_CALM
    ? "SETTINGS with too many entries"
    : "SETTINGS with a value out of range";
}
