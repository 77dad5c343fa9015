/**
 * The user of an engine in tests: it writes down, line by line, everything that it is told.
 *
 * What the engine promises its users is checked here for every test: a stream ends at most once and
 * nothing follows, and nothing is reported after the connection failed.
 */
import assert from "node:assert/strict";
import type {
  ConnectionEvents,
  ConnectionFailure,
  HeaderList,
  Stream,
  StreamEvents,
  StreamFailure,
} from "../../src/http2/index.ts";
import { codeName, dataText } from "./http2-frames.ts";

/** What a stream's user does with what comes; tests replace what they need. */
export interface StreamHooks {
  /** Bytes of a DATA part that are done with at once; all of them by default. */
  onData?: (stream: RecordedStream, count: number, isEnd: boolean) => number;
  /** After `headers`, `trailers` or the request were written down. */
  onList?: (stream: RecordedStream, list: HeaderList, isEnd: boolean) => void;
  /** After the reset was written down. */
  onReset?: (stream: RecordedStream, failure: StreamFailure) => void;
  /** After the write was written down. */
  onWritable?: (stream: RecordedStream, bytes: number) => void;
}

/** One stream's user. */
export class RecordedStream implements StreamEvents {
  readonly #recorder: Recorder;
  readonly id: number;
  /** Set before anything is reported. */
  stream: Stream;
  /** Lists in the order they came: request or responses, then trailers. */
  readonly lists: HeaderList[] = [];
  /** All payload. */
  readonly parts: Buffer[] = [];
  /** Whether the peer's side has ended in order. */
  isEnded = false;
  /** How it was reset, if it was. */
  failure: StreamFailure | null = null;
  /** Bytes that left late. */
  writtenBytes = 0;

  constructor(recorder: Recorder, stream: Stream) {
    this.#recorder = recorder;
    this.stream = stream;
    this.id = stream.id;
  }

  /** The body so far. */
  get body(): Buffer {
    return Buffer.concat(this.parts);
  }

  #assertAlive(): void {
    assert.equal(this.failure, null, `stream ${this.id}: an event after its reset`);
    assert.ok(!this.isEnded, `stream ${this.id}: an event after its end`);
  }

  onHeaders(list: HeaderList, isEnd: boolean): void {
    this.#list("headers", list, isEnd);
  }

  onInformational(list: HeaderList): void {
    this.#list("informational", list, false);
  }

  onTrailers(list: HeaderList): void {
    this.#list("trailers", list, true);
  }

  #list(what: string, list: HeaderList, isEnd: boolean): void {
    this.#assertAlive();
    this.lists.push(list);
    this.isEnded = isEnd;
    const end = isEnd && what !== "trailers" ? " END" : "";
    this.#recorder.note(`${what} ${this.id} ${listText(list)}${end}`);
    this.#recorder.hooks.onList?.(this, list, isEnd);
  }

  onData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    this.#assertAlive();
    assert.ok(end > start || isEnd, "an empty part is reported only as an end");
    const part = Buffer.from(bytes.subarray(start, end));
    this.parts.push(part);
    this.isEnded = isEnd;
    this.#recorder.noteData(this.id, part, isEnd);
    const { onData } = this.#recorder.hooks;
    return onData === undefined ? end - start : onData(this, end - start, isEnd);
  }

  onReset(failure: StreamFailure): void {
    assert.equal(this.failure, null, `stream ${this.id}: reset twice`);
    this.failure = failure;
    const { code, by, isUnprocessed, reason } = failure;
    const unprocessed = isUnprocessed ? " unprocessed" : "";
    this.#recorder.note(`reset ${this.id} ${codeName(code)} by ${by}${unprocessed} "${reason}"`);
    this.#recorder.hooks.onReset?.(this, failure);
  }

  onWritable(bytes: number): void {
    assert.equal(this.failure, null, `stream ${this.id}: writable after its reset`);
    assert.ok(bytes > 0);
    this.writtenBytes += bytes;
    this.#recorder.hooks.onWritable?.(this, bytes);
  }
}

/** One connection's user. */
export class Recorder implements ConnectionEvents {
  lines: string[] = [];
  hooks: StreamHooks;
  /** All streams that were ever reported or opened, by id. */
  readonly streams = new Map<number, RecordedStream>();
  failure: ConnectionFailure | null = null;
  dirtyCount = 0;
  capacityCount = 0;
  isReady = false;
  isDrained = false;
  #data: { id: number; parts: Buffer[] } | null = null;

  constructor(hooks: StreamHooks = {}) {
    this.hooks = hooks;
  }

  /** Writes a line down. */
  note(line: string): void {
    this.#flushData("");
    this.lines.push(line);
  }

  /** Writes data down, joined to what came before on the same stream. */
  noteData(id: number, part: Buffer, isEnd: boolean): void {
    if (this.#data?.id !== id) this.#flushData("");
    this.#data ??= { id, parts: [] };
    this.#data.parts.push(part);
    if (isEnd) this.#flushData(" END");
  }

  #flushData(suffix: string): void {
    if (this.#data === null) return;
    const { id, parts } = this.#data;
    this.#data = null;
    this.lines.push(`data ${id} ${dataText(Buffer.concat(parts))}${suffix}`);
  }

  /** The lines since the last call. */
  take(): string[] {
    this.#flushData("");
    const { lines } = this;
    this.lines = [];
    return lines;
  }

  /** Makes the user of a stream that is opened here. */
  opened(stream: Stream): RecordedStream {
    const recorded = new RecordedStream(this, stream);
    this.streams.set(stream.id, recorded);
    return recorded;
  }

  onStream(stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents {
    assert.equal(this.failure, null, "a stream after the connection failed");
    assert.ok(!this.streams.has(stream.id), "a stream is reported once");
    const recorded = this.opened(stream);
    recorded.lists.push(list);
    recorded.isEnded = isEnd;
    this.note(`request ${stream.id} ${listText(list)}${isEnd ? " END" : ""}`);
    this.hooks.onList?.(recorded, list, isEnd);
    return recorded;
  }

  onReady(): void {
    assert.ok(!this.isReady, "ready is reported once");
    this.isReady = true;
    this.note("ready");
  }

  onCapacity(): void {
    this.capacityCount += 1;
  }

  onGoAway(code: number, debugData: string): void {
    this.note(`goaway ${codeName(code)} "${debugData}"`);
  }

  onDirty(): void {
    this.dirtyCount += 1;
  }

  onPong(): void {
    this.note("pong");
  }

  onDrained(): void {
    assert.ok(!this.isDrained, "a drain completes once");
    this.isDrained = true;
    this.note("drained");
  }

  onFailure(failure: ConnectionFailure): void {
    assert.equal(this.failure, null, "a connection fails once");
    this.failure = failure;
    this.note(`failure ${codeName(failure.code)} by ${failure.by} "${failure.reason}"`);
  }
}

/** A list in one line; too large ones are cut by the engine and say so. */
export function listText(list: HeaderList): string {
  if (list.isTooLarge) return "<too large>";
  const texts = list.fields.map(
    ({ name, value, isNever }) => `${isNever ? "!" : ""}${name.text}=${value}`,
  );
  return texts.join(" ");
}
