/**
 * An HTTP/2 connection, either role: bytes in, events and bytes out. RFC 9113.
 *
 * Sans-I/O: the transport calls `recv` with what it read, takes `output` after `onDirty`, and calls
 * `onTimer` about once a second. This file wires the owners (`Receiver`, `Faults`, `Sender`,
 * `Streams`, `GoAwayState`) and holds the public verbs; the rules of the RFC live with the owners.
 */
import { assert } from "../../base/index.ts";
import type { ConnectionConfig, Role } from "../config.ts";
import { ErrorCode, errorCodeName } from "../error-code.ts";
import type {
  ConnectionEvents,
  ConnectionFailure,
  StreamEvents,
  StreamFailure,
} from "../events.ts";
import { FrameDecoder } from "../frame/decoder.ts";
import { PREFACE } from "../frame/types.ts";
import {
  writeGoAway,
  writePing,
  writePreface,
  writeSettings,
  writeWindowUpdate,
} from "../frame/writer.ts";
import type { HeaderList } from "../hpack/header-list.ts";
import { STREAM_ID_LAST } from "../limits.ts";
import { NO_EVENTS } from "../no-events.ts";
import type { Output } from "../output.ts";
import { isOverloaded, noteOverloadRefusal } from "../overload.ts";
import { Stream } from "../stream/stream.ts";
import { Deadlines } from "./deadlines.ts";
import { Faults } from "./faults.ts";
import { DRAIN_PING, DRAIN_PING_TIMEOUT_MS, DrainStep, GOAWAY_ALL, GoAwayState } from "./goaway.ts";
import { Receiver } from "./receiver.ts";
import { Sender } from "./sender.ts";
import { ownSettings } from "./settings.ts";
import { Streams } from "./streams.ts";
import { Unwritten } from "./unwritten.ts";

/** One connection. All methods are synchronous; none throws because of what a peer sent. */
export class Connection {
  readonly role: Role;
  readonly #config: ConnectionConfig;
  readonly #events: ConnectionEvents;
  readonly #streams: Streams;
  readonly #sender: Sender;
  readonly #faults: Faults;
  readonly #receiver: Receiver;
  readonly #decoder: FrameDecoder;
  readonly #goAway = new GoAwayState();
  /** Bytes of the client's preface that were seen (server role). */
  #prefaceSeen = 0;
  #isClosed = false;
  #isDrainReported = false;
  #isReadyReported = false;
  readonly #deadlines: Deadlines;
  #nowMs: number;
  readonly #unwritten: Unwritten;

  constructor(role: Role, events: ConnectionEvents, config: ConnectionConfig, nowMs: number) {
    this.role = role;
    this.#config = config;
    this.#events = events;
    this.#nowMs = nowMs;
    this.#deadlines = new Deadlines(nowMs);
    this.#unwritten = new Unwritten(role);
    this.#streams = new Streams(role, this);
    this.#sender = new Sender(this.#streams, this, config);
    const limits = {
      listBytesMax: config.headerListBytesMax,
      fieldsMax: config.headerFieldsMax,
    };
    this.#faults = new Faults(this.#sender, this.#streams, nowMs);
    this.#receiver = new Receiver(role, this.#sender, this.#streams, this.#faults, this, limits);
    this.#decoder = new FrameDecoder(this.#receiver);
  }

  /** Sends the preface and our SETTINGS. Call once, when the transport can hear `onDirty`. */
  start(): void {
    const { output } = this.#sender;
    if (this.role === "client") writePreface(output);
    writeSettings(output, ownSettings(this.role, this.#config));
    const more = this.#config.connectionWindowBytes - this.#sender.recvWindow;
    if (more > 0) {
      writeWindowUpdate(output, 0, more);
      this.#sender.recvWindow += more;
    }
    this.#sender.touch();
  }

  /** What is to be sent; the transport takes it at the end of the turn. */
  get output(): Output {
    return this.#sender.output;
  }

  /** Streams open now. */
  get streamCount(): number {
    return this.#streams.count;
  }

  /** Whether the peer's SETTINGS came. */
  get isReady(): boolean {
    return this.#receiver.isSettled;
  }

  /** Whether the connection failed or was closed; nothing works on it any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether one side has announced the end: no new streams, the open ones finish. */
  get isDraining(): boolean {
    return this.#goAway.isRemoteGone || this.#goAway.step !== DrainStep.NONE;
  }

  /** HEADERS and DATA frames that came so far. */
  get callFrames(): number {
    return this.#receiver.callFrames;
  }

  /** Streams that the peer allows us at a time; Infinity when it sets no limit. */
  get maxStreams(): number {
    return this.#sender.remote.maxStreams;
  }

  /** Glitches charged so far. */
  get glitchCount(): number {
    return this.#faults.glitchCount;
  }

  /** Whether `open` may be called now (client role). */
  canOpen(): boolean {
    return (
      !this.#isClosed &&
      !this.isDraining &&
      this.#streams.count < this.#sender.remote.maxStreams &&
      this.#streams.lastId < STREAM_ID_LAST
    );
  }

  /** Opens a stream with a request (client role). The caller asked `canOpen`. */
  open(list: HeaderList, isEnd: boolean, events: StreamEvents, nowMs: number): Stream {
    assert(this.canOpen(), "the caller asked canOpen");
    const id = this.#streams.nextLocalId();
    const window = this.#sender.streamWindowBytes;
    const stream = new Stream(id, events, this.#sender, window, nowMs);
    stream.isHead = list.method !== null && list.method.value === "HEAD";
    this.#streams.add(stream);
    this.#sender.sendHeaders(stream, list, isEnd);
    if (id >= STREAM_ID_LAST) this.#retire();
    return stream;
  }

  /** RFC 9113 §5.1.1: ids are not reused; a connection that has none left is replaced. */
  #retire(): void {
    const reason = "its stream ids are used up";
    this.drain(reason);
    this.#events.onGoAway(ErrorCode.NO_ERROR, reason);
  }

  /** Takes bytes[start, end) that the transport read. */
  recv(bytes: Uint8Array, start: number, end: number, nowMs: number): void {
    if (this.#isClosed) return;
    this.#nowMs = nowMs;
    this.#faults.nowMs = nowMs;
    this.#sender.nowMs = nowMs;
    let pos = start;
    if (this.role === "server" && this.#prefaceSeen < PREFACE.length) {
      pos = this.#recvPreface(bytes, start, end);
      if (pos < 0) {
        this.fail(ErrorCode.PROTOCOL_ERROR, "not the HTTP/2 client preface", "library");
        return;
      }
    }
    const code = this.#decoder.push(bytes, pos, end);
    if (code !== ErrorCode.NO_ERROR) this.fail(code, this.#faults.reason, "library");
  }

  /** RFC 9113 §3.4. Returns where frames begin, or -1. */
  #recvPreface(bytes: Uint8Array, start: number, end: number): number {
    let pos = start;
    while (pos < end && this.#prefaceSeen < PREFACE.length) {
      if (bytes[pos] !== PREFACE[this.#prefaceSeen]) return -1;
      this.#prefaceSeen += 1;
      pos += 1;
    }
    return pos;
  }

  /** The transport took all of `output` and gave it to the socket. */
  onTaken(): void {
    this.#sender.isDirty = false;
    this.#unwritten.noteTaken(this.#streams.lastId);
  }

  /** The kernel has everything that was taken: waiting streams may go on. */
  onSocketDrained(): void {
    this.#faults.controlQueued = 0;
    if (!this.#isClosed) this.#sender.pump();
  }

  /** Begins the two-step end: open streams finish, new ones are refused after a round trip. */
  drain(debugData = ""): void {
    if (this.#isClosed || this.#goAway.step !== DrainStep.NONE) return;
    const { output } = this.#sender;
    if (this.role === "server") {
      this.#goAway.step = DrainStep.ANNOUNCED;
      this.#goAway.announcedMs = this.#nowMs;
      writeGoAway(output, GOAWAY_ALL, ErrorCode.NO_ERROR, debugData);
      writePing(output, false, DRAIN_PING, 0);
    } else {
      this.#goAway.step = DrainStep.FINAL;
      writeGoAway(output, 0, ErrorCode.NO_ERROR, debugData);
    }
    this.#sender.touch();
    this.#reportDrained();
  }

  #finalGoAway(): void {
    if (this.#goAway.step !== DrainStep.ANNOUNCED) return;
    this.#goAway.step = DrainStep.FINAL;
    this.#goAway.localLastId = this.#streams.lastId;
    this.#receiver.setDraining();
    writeGoAway(this.#sender.output, this.#streams.lastId, ErrorCode.NO_ERROR, "");
    this.#sender.touch();
    this.#reportDrained();
  }

  /** A drain is complete when no stream is open and none will be opened. */
  #reportDrained(): void {
    if (this.#isClosed || this.#isDrainReported || this.#streams.count > 0) return;
    const isGone = this.role === "client" && this.#goAway.isRemoteGone;
    if (this.#goAway.step !== DrainStep.FINAL && !isGone) return;
    this.#isDrainReported = true;
    this.#events.onDrained();
  }

  /** Sends a PING; `onPong` answers. */
  ping(payload: Uint8Array): void {
    if (this.#isClosed) return;
    writePing(this.#sender.output, false, payload, 0);
    this.#sender.touch();
  }

  /** Sends SETTINGS that change nothing: the peer must answer with their ACK. RFC 9113 §6.5.3. */
  confirmSettings(): void {
    if (this.#isClosed) return;
    writeSettings(this.#sender.output, []);
    this.#sender.touch();
  }

  /** Ends the connection for a reason: GOAWAY in the output, every stream reset. */
  fail(code: ErrorCode, reason: string, by: ConnectionFailure["by"]): void {
    if (this.#isClosed) return;
    this.#unwritten.drop(this.#sender.output, this.#streams.lastId);
    const lastId = this.role === "server" ? this.#streams.lastId : 0;
    writeGoAway(this.#sender.output, lastId, code, reason);
    this.#sender.touch();
    this.#close({ code, by, reason });
    this.#events.onFailure({ code, by, reason });
  }

  /** The socket is gone: every stream is reset. No event of the connection follows. */
  onSocketClosed(reason: string): void {
    if (this.#isClosed) return;
    this.#unwritten.drop(this.#sender.output, this.#streams.lastId);
    this.#close({ code: ErrorCode.INTERNAL_ERROR, by: "transport", reason });
  }

  #close(failure: ConnectionFailure): void {
    this.#isClosed = true;
    this.#faults.isOver = true;
    for (const stream of this.#streams.list()) {
      // RFC 9113 §8.7: never written means never processed.
      const isUnprocessed = this.role === "client" && this.#unwritten.has(stream.id);
      this.#abandon(stream, {
        code: failure.code === ErrorCode.NO_ERROR ? ErrorCode.CANCEL : failure.code,
        by: failure.by,
        isUnprocessed,
        reason: failure.reason,
      });
    }
    assert(this.#streams.count === 0, "every stream was closed");
  }

  #abandon(stream: Stream, failure: StreamFailure): void {
    // Its user may have ended it when it heard of another one.
    if (stream.isClosed) return;
    const { events } = stream;
    this.#sender.forgetReset(stream);
    events.onReset(failure);
  }

  /** Deadlines that need no exact time; call about once a second. */
  onTimer(nowMs: number): void {
    if (this.#isClosed) return;
    this.#nowMs = nowMs;
    this.#sender.nowMs = nowMs;
    const late = this.#deadlines.check(nowMs, this.#receiver, this.#decoder);
    if (late !== null) {
      this.fail(late.code, late.reason, "library");
      return;
    }
    if (nowMs - this.#goAway.announcedMs > DRAIN_PING_TIMEOUT_MS) this.#finalGoAway();
    this.#sender.resetStalled();
    this.#sender.resetHolders();
  }

  /** The open streams, for their users' sake when the connection must end. */
  openStreams(): Stream[] {
    return this.#streams.list();
  }

  // What follows is called by the owners named in the header, not by users.

  /** From `Streams`. */
  onStreamRemoved(stream: Stream): void {
    if (this.#isClosed) return;
    if (stream.isAnswered) this.#faults.earnServed();
    this.#reportDrained();
    if (this.role === "client") this.#events.onCapacity();
  }

  /** From `Sender`. */
  onDirty(): void {
    this.#events.onDirty();
  }

  /** From `Sender`. */
  onDataSent(): void {
    this.#faults.earnPing();
  }

  /** From `Receiver`: makes the stream, or refuses it. RFC 9113 §5.1.2, §6.8. */
  acceptStream(streamId: number): Stream | null {
    const isOver = streamId > this.#goAway.localLastId;
    const isTooMuch = isOverloaded();
    if (isTooMuch) noteOverloadRefusal();
    if (isOver || isTooMuch || this.#streams.count >= this.#config.maxStreams) {
      this.#streams.lastId = streamId;
      if (isOver) this.#streams.noteReset(streamId);
      else this.#sender.resetId(streamId, ErrorCode.REFUSED_STREAM);
      return null;
    }
    const window = this.#sender.streamWindowBytes;
    const stream = new Stream(streamId, NO_EVENTS, this.#sender, window, this.#nowMs);
    this.#streams.add(stream);
    return stream;
  }

  /** From `Receiver`. */
  reportStream(stream: Stream, list: HeaderList, isEnd: boolean): void {
    stream.events = this.#events.onStream(stream, list, isEnd);
  }

  /** From `Receiver`. */
  onSettings(isAck: boolean): void {
    if (isAck) {
      this.#deadlines.isAcked = true;
      this.#sender.onSettingsKnown();
      return;
    }
    if (this.#isReadyReported) this.#events.onCapacity();
    else {
      this.#isReadyReported = true;
      this.#events.onReady();
    }
  }

  /** From `Receiver`. */
  onPingAck(bytes: Uint8Array, start: number): void {
    const isDrain = DRAIN_PING.every((byte, i) => bytes[start + i] === byte);
    if (isDrain && this.#goAway.step === DrainStep.ANNOUNCED) this.#finalGoAway();
    else this.#events.onPong();
  }

  /** From `Receiver`: streams above the last id were provably not processed. RFC 9113 §6.8. */
  onGoAway(lastStreamId: number, code: ErrorCode, debugData: string): void {
    if (!this.#goAway.noteRemote(lastStreamId)) {
      this.fail(ErrorCode.PROTOCOL_ERROR, "a GOAWAY whose last id grew", "library");
      return;
    }
    this.#events.onGoAway(code, debugData);
    if (this.role === "client") {
      const reason = `the peer sent GOAWAY ${errorCodeName(code)}`;
      for (const stream of this.#streams.list()) {
        if (stream.id <= lastStreamId) continue;
        this.#abandon(stream, {
          code: ErrorCode.REFUSED_STREAM,
          // Never written: it may be sent again as often as it takes. gRFC A6.
          by: this.#unwritten.has(stream.id) ? "transport" : "remote",
          isUnprocessed: true,
          reason,
        });
      }
    }
    this.#reportDrained();
  }
}
