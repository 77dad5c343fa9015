/**
 * The users of both ends of a fuzzed connection: calls of all kinds, whose every byte is known.
 *
 * A call's body is a pattern of its id and the offset, so a lost, doubled or crossed byte shows.
 * Each end checks what it is told: in order, at most one end, nothing behind it.
 */
import assert from "node:assert/strict";
import type { Rng } from "../src/base/index.ts";
import {
  type Connection,
  type ConnectionEvents,
  constantList,
  type HeaderList,
  headerList,
  newField,
  type Stream,
  type StreamEvents,
  type StreamFailure,
} from "../src/http2/index.ts";

/** What a call will do; both ends know it, by the call's number in its headers. */
export interface Plan {
  readonly call: number;
  readonly requestBytes: number;
  readonly hasRequestTrailers: boolean;
  readonly responseBytes: number;
  readonly hasResponseTrailers: boolean;
  readonly informational: number;
  /** The server answers before it has the request. */
  readonly isEarly: boolean;
  readonly hasLength: boolean;
  /** Bytes of body after which the client cancels or the server resets; -1 for never. */
  readonly cancelAt: number;
  readonly resetAt: number;
  /** The server wants no more of the request once its response is complete. RFC 9113 §8.1. */
  readonly isStopping: boolean;
  /** A receiver that takes everything at once, or little by little. */
  readonly isLazy: boolean;
}

const sizeOf = (rng: Rng): number =>
  [0, 0, 1, rng.int(100), rng.int(2_000), rng.int(20_000), rng.int(100_000)][rng.int(7)]!;

/** A random call. */
export function randomPlan(rng: Rng, call: number): Plan {
  const requestBytes = sizeOf(rng);
  const responseBytes = sizeOf(rng);
  return {
    call,
    requestBytes,
    responseBytes,
    hasRequestTrailers: rng.int(6) === 0,
    hasResponseTrailers: rng.int(2) === 0,
    informational: rng.int(8) === 0 ? 1 + rng.int(3) : 0,
    isEarly: rng.int(4) === 0,
    isStopping: rng.int(3) === 0,
    hasLength: rng.int(4) === 0,
    cancelAt: rng.int(6) === 0 ? rng.int(responseBytes + 1) : -1,
    resetAt: rng.int(10) === 0 ? rng.int(requestBytes + 1) : -1,
    isLazy: rng.int(3) === 0,
  };
}

/** How a server's end stands that asked for a reset behind the rest of its response. */
const STOPPED = "stopped";

/** The byte at `offset` of a body. */
const patternAt = (call: number, offset: number) => (call * 31 + offset * 7 + (offset >> 8)) & 255;

const TRAILERS = [
  constantList([["grpc-status", "0"]]),
  constantList([
    ["grpc-status", "5"],
    ["grpc-message", "no"],
  ]),
];

const REPEATED = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/fuzz/repeated"],
  [":authority", "a"],
] as const;

/** Header lists of a call: a constant part, a part of its own, sometimes large or never indexed. */
function requestList(plan: Plan, rng: Rng): HeaderList {
  const list = headerList(REPEATED);
  list.add(newField("x-call", `${plan.call}`, rng.int(8) === 0));
  if (rng.int(5) === 0) list.add(newField("x-large", "v".repeat(rng.int(30_000))));
  if (plan.hasLength) list.add(newField("content-length", `${plan.requestBytes}`));
  return list;
}

function responseList(plan: Plan): HeaderList {
  const list = headerList([
    [":status", "200"],
    ["x-call", `${plan.call}`],
  ]);
  if (plan.hasLength) list.add(newField("content-length", `${plan.responseBytes}`));
  return list;
}

/** One end of a call: sends its own body as the windows allow, checks that of the other. */
abstract class End implements StreamEvents {
  readonly plan: Plan;
  readonly #rng: Rng;
  stream: Stream | null = null;
  /** How it ended: "" while it has not. */
  ended = "";
  #sent = 0;
  #received = 0;
  /** Bytes that were received and are not credited yet. */
  held = 0;
  /** Bytes handed over that have not left, by what `sendData` and `onWritable` say. */
  #waiting = 0;
  isSendDone = false;
  isRecvDone = false;

  /** Whether every byte is as it was sent; else what is told to the user may be anything. */
  readonly #isHonest: boolean;

  constructor(plan: Plan, rng: Rng, isHonest: boolean) {
    this.plan = plan;
    this.#rng = rng;
    this.#isHonest = isHonest;
  }

  /** What holds only when no byte is flipped on the way. */
  expect(isTrue: boolean, what: string): void {
    assert.ok(isTrue || !this.#isHonest, `call ${this.plan.call}: ${what}`);
  }

  abstract readonly bytesToSend: number;
  abstract readonly bytesToReceive: number;
  /** Bytes received after which this end gives up. */
  abstract readonly giveUpAt: number;
  abstract readonly trailers: HeaderList | null;

  finish(how: string): void {
    assert.equal(this.ended, "", `call ${this.plan.call} ends twice: ${how}`);
    this.ended = how;
  }

  /** Sends the next part of the body, and the end behind the last one. */
  sendSome(): void {
    const { stream } = this;
    if (stream === null || this.ended !== "" || this.isSendDone || this.#waiting > 0) return;
    const count = Math.min(this.bytesToSend - this.#sent, 1 + this.#rng.int(30_000));
    const bytes = Buffer.alloc(count + 4);
    for (let i = 0; i < count; i++) bytes[2 + i] = patternAt(this.plan.call, this.#sent + i);
    this.#sent += count;
    const isLast = this.#sent === this.bytesToSend;
    const isEnd = isLast && this.trailers === null;
    if (isLast) this.isSendDone = true;
    // The end may come with the last byte or alone.
    const isApart = isEnd && count > 0 && this.#rng.int(3) === 0;
    const left = stream.sendData(bytes, 2, 2 + count, isEnd && !isApart);
    assert.ok(left >= 0 && left <= count);
    this.#waiting += count - left;
    bytes.fill(0xee);
    if (isApart) this.#waiting -= stream.sendData(bytes, 0, 0, true);
    if (isLast && this.trailers !== null) stream.sendTrailers(this.trailers);
    this.checkDone();
    if (isLast) this.onSent();
  }

  /** The whole body was handed over. */
  onSent(): void {}

  /** Gives back some of what was received. */
  creditSome(): void {
    if (this.held === 0) return;
    const count = 1 + this.#rng.int(this.held);
    this.held -= count;
    this.stream!.credit(count);
  }

  /** Both sides have ended, and everything has left. */
  checkDone(): void {
    if (!this.isSendDone || !this.isRecvDone || this.ended !== "") return;
    if (this.stream!.isClosed) this.finish("done");
  }

  giveUp(code: number): void {
    if (this.ended !== "") return;
    this.finish("given up");
    this.stream!.reset(code);
  }

  onData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    // What waits still leaves before the reset of a server that wants no more.
    if (this.ended === STOPPED) return end - start;
    assert.ok(this.ended === "" && !this.isRecvDone, "data behind the end");
    for (let i = start; i < end; i++) {
      const expected = patternAt(this.plan.call, this.#received);
      if (bytes[i] !== expected) this.expect(false, `byte ${this.#received} is ${bytes[i]}`);
      this.#received += 1;
    }
    if (isEnd) this.onRecvEnd();
    else if (this.giveUpAt >= 0 && this.#received >= this.giveUpAt) this.giveUp(8);
    const count = end - start;
    if (!this.plan.isLazy || this.ended !== "") return count;
    const done = this.#rng.int(count + 1);
    this.held += count - done;
    return done;
  }

  onTrailers(list: HeaderList): void {
    if (this.ended === STOPPED) return;
    assert.ok(this.ended === "" && !this.isRecvDone, "trailers behind the end");
    const expected = TRAILERS[this.plan.call % 2]!;
    this.expect(`${list.toPairs()}` === `${expected.toPairs()}`, "trailers");
    this.onRecvEnd();
  }

  onRecvEnd(): void {
    this.expect(this.#received === this.bytesToReceive, "it is complete");
    this.isRecvDone = true;
    this.checkDone();
  }

  onReset(failure: StreamFailure): void {
    assert.notEqual(this.ended, "given up", "no event follows an own reset");
    if (this.ended === "done") assert.fail(`a reset behind the end: ${failure.reason}`);
    const isStop = failure.code === 0 && failure.by === "remote";
    if (isStop) this.expect(this.isRecvDone, "NO_ERROR follows a complete response");
    if (this.ended === STOPPED) this.ended = "";
    this.finish(`reset: ${failure.reason}`);
  }

  onWritable(bytes: number): void {
    assert.notEqual(this.ended, "given up");
    this.#waiting -= bytes;
    assert.ok(this.#waiting >= 0, "no more leaves than was handed over");
    this.checkDone();
  }

  abstract onHeaders(list: HeaderList, isEnd: boolean): void;
  abstract onInformational(list: HeaderList): void;
}

/** The client's end of a call. */
export class ClientEnd extends End {
  #informational = 0;
  #isAnswered = false;

  get bytesToSend(): number {
    return this.plan.requestBytes;
  }
  get bytesToReceive(): number {
    return this.plan.responseBytes;
  }
  get giveUpAt(): number {
    return this.plan.cancelAt;
  }
  get trailers(): HeaderList | null {
    return this.plan.hasRequestTrailers ? TRAILERS[this.plan.call % 2]! : null;
  }

  /** The request's headers, and whether they are all of it. */
  open(rng: Rng): [HeaderList, boolean] {
    const isEnd = this.bytesToSend === 0 && this.trailers === null && rng.int(2) === 0;
    if (isEnd) this.isSendDone = true;
    return [requestList(this.plan, rng), isEnd];
  }

  onInformational(list: HeaderList): void {
    assert.ok(!this.#isAnswered);
    this.expect(list.get(":status") === "103", "an informational response");
    this.#informational += 1;
  }

  onHeaders(list: HeaderList, isEnd: boolean): void {
    assert.ok(!this.#isAnswered && this.ended === "");
    this.#isAnswered = true;
    this.expect(list.get("x-call") === `${this.plan.call}`, "the answer to this call");
    this.expect(this.#informational === this.plan.informational, "informational responses");
    if (isEnd) this.onRecvEnd();
  }
}

/** The server's end of a call. */
export class ServerEnd extends End {
  #isAnswered = false;

  get bytesToSend(): number {
    return this.plan.responseBytes;
  }
  get bytesToReceive(): number {
    return this.plan.requestBytes;
  }
  get giveUpAt(): number {
    return this.plan.resetAt;
  }
  get trailers(): HeaderList | null {
    return this.plan.hasResponseTrailers ? TRAILERS[this.plan.call % 2]! : null;
  }

  override sendSome(): void {
    if (!this.#isAnswered) {
      if (!this.plan.isEarly && !this.isRecvDone) return;
      this.#answer();
    }
    super.sendSome();
  }

  override onSent(): void {
    if (!this.plan.isStopping || this.isRecvDone || this.ended !== "") return;
    this.finish(STOPPED);
    this.stream!.resetAfterQueue(0);
  }

  #answer(): void {
    if (this.ended !== "") return;
    this.#isAnswered = true;
    const { plan } = this;
    for (let i = 0; i < plan.informational; i++) {
      this.stream!.sendInformational(headerList([[":status", "103"]]));
    }
    const isEnd = plan.responseBytes === 0 && this.trailers === null;
    if (isEnd) this.isSendDone = true;
    this.stream!.sendHeaders(responseList(plan), isEnd);
    this.checkDone();
    if (isEnd) this.onSent();
  }

  onHeaders(): void {
    assert.fail("a server hears no headers twice");
  }
  onInformational(): void {
    assert.fail("a server hears no informational responses");
  }
}

/** The user of either connection; tells the simulation of what it cannot see otherwise. */
export class ConnectionUser implements ConnectionEvents {
  failure = "";
  goAways = 0;
  /** The connection, once it is made: a drained one is closed, as a transport does. */
  connection: Connection | null = null;
  readonly #onStream: (stream: Stream, call: number, isEnd: boolean) => StreamEvents;

  constructor(onStream: (stream: Stream, call: number, isEnd: boolean) => StreamEvents) {
    this.#onStream = onStream;
  }

  onStream(stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents {
    assert.equal(this.failure, "", "no stream on a connection that failed");
    return this.#onStream(stream, Number(list.get("x-call")), isEnd);
  }
  onReady(): void {}
  onCapacity(): void {}
  onGoAway(): void {
    this.goAways += 1;
  }
  onDirty(): void {}
  onPong(): void {}
  onDrained(): void {
    assert.ok(!this.connection!.isClosed, "a drain completes once");
    this.connection!.onSocketClosed("drained");
  }
  onFailure(failure: { reason: string }): void {
    assert.equal(this.failure, "");
    this.failure = failure.reason;
  }
}
