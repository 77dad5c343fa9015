/**
 * Fuzz: two engines wired back to back, with random traffic over pipes that cut, delay and stop.
 *
 * Properties: every call ends exactly once, at both ends; what arrives is what was sent; neither
 * side finds fault with the other; windows are conserved, of streams and of the connection; when
 * all is over nothing is kept. With bytes flipped on the way, only: nothing throws, every call
 * ends, and nothing is kept.
 */
import assert from "node:assert/strict";
import type { Rng } from "../src/base/index.ts";
import {
  Connection,
  type ConnectionConfig,
  DEFAULT_CONNECTION_CONFIG,
  overloadFigures,
  type Role,
  recycleChunk,
  type StreamEvents,
} from "../src/http2/index.ts";
import { FrameReader } from "../test/support/http2-frames.ts";
import { ClientEnd, ConnectionUser, type Plan, randomPlan, ServerEnd } from "./traffic.ts";

/** What one side has sent and the other has not got yet, and what went over the wire so far. */
class Pipe {
  readonly from: Connection;
  readonly to: Connection;
  readonly reader: FrameReader;
  #waiting = Buffer.alloc(0);
  /** Bytes that are flipped on the way, by their number; none in honest runs. */
  readonly #flips: ReadonlySet<number>;
  #passed = 0;
  #inFlight = 0;

  constructor(from: Connection, to: Connection, flips: ReadonlySet<number>) {
    this.from = from;
    this.to = to;
    this.#flips = flips;
    this.reader = new FrameReader(from.role === "client");
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Takes the engine's output, as a transport does at the end of a turn. */
  take(): void {
    const { output } = this.from;
    output.drainTo({
      takeChunk: (chunk, length) => {
        const bytes = Buffer.from(chunk.subarray(0, length));
        this.reader.push(bytes);
        this.reader.take();
        this.#waiting = Buffer.concat([this.#waiting, bytes]);
        this.#inFlight += length;
        output.inFlightBytes += length;
        chunk.fill(0xee);
        recycleChunk(chunk);
      },
    });
    this.from.onTaken();
  }

  /** Hands over up to `count` bytes, in a read buffer that is overwritten afterwards. */
  pass(count: number, nowMs: number): void {
    const bytes = Uint8Array.from(this.#waiting.subarray(0, count));
    this.#waiting = this.#waiting.subarray(bytes.length);
    for (let i = 0; i < bytes.length; i++, this.#passed++) {
      if (this.#flips.has(this.#passed)) bytes[i] = bytes[i]! ^ (1 << (this.#passed & 7));
    }
    this.to.recv(bytes, 0, bytes.length, nowMs);
    bytes.fill(0xee);
    if (this.#waiting.length > 0) return;
    this.from.output.inFlightBytes -= this.#inFlight;
    this.#inFlight = 0;
    this.from.onSocketDrained();
    // The end of the socket comes behind the last byte.
    if (this.from.isClosed && this.from.output.isEmpty) this.to.onSocketClosed(PEER_CLOSED);
  }
}

/** What a side hears whose peer has closed the socket. */
const PEER_CLOSED = "the peer closed";

function randomConfig(rng: Rng): ConnectionConfig {
  const streamWindowBytes = [64, 200, 1_000, 16_384, 65_535, 300_000][rng.int(6)]!;
  return {
    ...DEFAULT_CONNECTION_CONFIG,
    maxStreams: [1, 3, 20, 1_000][rng.int(4)]!,
    streamWindowBytes,
    streamWindowBytesMax: streamWindowBytes * (1 + 3 * rng.int(2)),
    connectionWindowBytes: [65_535, 100_000, 1_000_000][rng.int(3)]!,
  };
}

/** One connection with all its calls. */
class Simulation {
  readonly #rng: Rng;
  readonly #client: Connection;
  readonly #server: Connection;
  readonly #users: Readonly<Record<Role, ConnectionUser>>;
  readonly #pipes: readonly [Pipe, Pipe];
  readonly #configs: Readonly<Record<Role, ConnectionConfig>>;
  readonly #plans: Plan[] = [];
  readonly #clientEnds: ClientEnd[] = [];
  readonly #serverEnds: (ServerEnd | undefined)[] = [];
  readonly #isHonest: boolean;
  #nowMs = 1_000;

  constructor(rng: Rng, isHonest: boolean) {
    this.#rng = rng;
    this.#isHonest = isHonest;
    this.#configs = { client: randomConfig(rng), server: randomConfig(rng) };
    this.#users = {
      client: new ConnectionUser(() => assert.fail("servers open no streams")),
      server: new ConnectionUser((stream, call, isEnd) => {
        const events = this.#onCall(call, isEnd);
        if (events instanceof ServerEnd) events.stream = stream;
        return events;
      }),
    };
    this.#client = new Connection("client", this.#users.client, this.#configs.client, 0);
    this.#server = new Connection("server", this.#users.server, this.#configs.server, 0);
    this.#users.client.connection = this.#client;
    this.#users.server.connection = this.#server;
    const flips = () =>
      new Set(isHonest ? [] : Array.from({ length: 1 + rng.int(4) }, () => 60 + rng.int(5_000)));
    this.#pipes = [
      new Pipe(this.#client, this.#server, flips()),
      new Pipe(this.#server, this.#client, flips()),
    ];
    this.#client.start();
    this.#server.start();
  }

  #onCall(call: number, isEnd: boolean): StreamEvents {
    const plan = this.#plans[call];
    if (plan === undefined || this.#serverEnds[call] !== undefined) {
      // A call's number can only be wrong when its bytes are.
      assert.ok(!this.#isHonest, `call ${call} arrives once, and only if it was made`);
      return new ServerEnd(randomPlan(this.#rng, call), this.#rng, false);
    }
    const end = new ServerEnd(plan, this.#rng, this.#isHonest);
    this.#serverEnds[call] = end;
    if (isEnd) end.isRecvDone = true;
    return end;
  }

  #open(): void {
    if (!this.#client.canOpen()) return;
    const plan = randomPlan(this.#rng, this.#plans.length);
    this.#plans.push(plan);
    const end = new ClientEnd(plan, this.#rng, this.#isHonest);
    this.#clientEnds.push(end);
    const [list, isEnd] = end.open(this.#rng);
    end.stream = this.#client.open(list, isEnd, end, this.#nowMs);
  }

  /** Some calls of both ends go on. */
  #work(): void {
    const rng = this.#rng;
    for (const end of [...this.#clientEnds, ...this.#serverEnds]) {
      if (end === undefined || end.ended !== "") continue;
      if (rng.int(2) === 0) end.sendSome();
      if (rng.int(3) === 0) end.creditSome();
    }
  }

  #move(): void {
    const rng = this.#rng;
    const pipe = this.#pipes[rng.int(2)]!;
    pipe.take();
    if (pipe.length > 0 || pipe.from.isClosed)
      pipe.pass(1 + rng.int([10, 500, 70_000][rng.int(3)]!), this.#nowMs);
  }

  run(steps: number): void {
    const rng = this.#rng;
    for (let step = 0; step < steps; step++) {
      const kind = rng.int(12);
      if (kind < 2) this.#open();
      else if (kind < 5) this.#work();
      else this.#move();
      if (rng.int(50) === 0) this.#tick(rng.int(2_000));
      if (rng.int(400) === 0) this.#client.ping(new Uint8Array(8));
      if (rng.int(1_000) === 0) this.#server.drain("fuzz");
      if (rng.int(1_500) === 0) this.#client.drain("fuzz");
      if (rng.int(40) === 0) this.#checkStreams();
      if (rng.int(200) === 0) this.#rest();
    }
  }

  #tick(ms: number): void {
    this.#nowMs += ms;
    this.#client.onTimer(this.#nowMs);
    this.#server.onTimer(this.#nowMs);
  }

  /** At any time: what a receiver granted is open, owed or held, to the byte. */
  #checkStreams(): void {
    for (const end of [...this.#clientEnds, ...this.#serverEnds]) {
      const stream = end?.stream;
      if (stream === null || stream === undefined || stream.isClosed) continue;
      if (stream.isRemoteEnded) continue;
      const { recvWindow, uncredited, heldBytes, windowBytes } = stream;
      assert.equal(recvWindow + uncredited + heldBytes, windowBytes, "a window is conserved");
    }
  }

  /** Everything that is on its way arrives; in honest runs both sides agree on the windows then. */
  #rest(): void {
    this.#settle(false);
    if (this.#isHonest) this.#checkWindows();
  }

  /** Every call that can goes on to its end. */
  finish(): void {
    this.#settle(true);
    this.#checkWindows();
    this.#checkHonest();
  }

  #settle(isWorking: boolean): void {
    for (let round = 0; round < 20_000; round++) {
      for (const end of isWorking ? [...this.#clientEnds, ...this.#serverEnds] : []) {
        if (end === undefined || end.ended !== "") continue;
        end.sendSome();
        while (end.held > 0) end.creditSome();
      }
      let isQuiet = true;
      for (const pipe of this.#pipes) {
        pipe.take();
        if (pipe.length > 0) isQuiet = false;
        pipe.pass(pipe.length, this.#nowMs);
      }
      if (isQuiet && this.#pipes.every(({ from }) => from.output.isEmpty)) return;
    }
    assert.fail("the connection comes to rest");
  }

  /** At rest: what one side may send is what the other expects. */
  #checkWindows(): void {
    if (this.#client.isClosed || this.#server.isClosed) return;
    for (const [call, server] of this.#serverEnds.entries()) {
      const one = this.#clientEnds[call]?.stream;
      const other = server?.stream;
      if (!one || !other || one.isClosed || other.isClosed) continue;
      if (!one.isLocalEnded) assert.equal(one.sendWindow, other.recvWindow, "towards the server");
      if (!other.isLocalEnded) assert.equal(other.sendWindow, one.recvWindow, "to the client");
    }
    for (const pipe of this.#pipes) this.#checkConnectionWindow(pipe);
  }

  #checkConnectionWindow({ reader, to }: Pipe): void {
    const back = this.#pipes.find(({ from }) => from === to)!;
    let sent = 0;
    for (const bytes of reader.dataBytes.values()) sent += bytes;
    const { connectionWindowBytes } = this.#configs[to.role];
    const open = 65_535 + (back.reader.granted.get(0) ?? 0) - sent;
    assert.ok(open <= connectionWindowBytes, `${open} bytes are open`);
    assert.ok(open * 2 > connectionWindowBytes - 2, `only ${open} bytes are open`);
  }

  /** Honest ends find no fault; every call has ended or waits for what will never come. */
  #checkHonest(): void {
    const { client, server } = this.#users;
    assert.equal(client.failure + server.failure, "", "no side failed");
    for (const [call, end] of this.#clientEnds.entries()) {
      const other = this.#serverEnds[call];
      const text = `call ${call}: client ${end.ended}, server ${other?.ended}`;
      assert.notEqual(end.ended, "", text);
      if (other !== undefined) assert.notEqual(other.ended, "", text);
      // A drain has no victims: whoever is open when the socket closes was forgotten.
      assert.ok(!text.includes(PEER_CLOSED) && !text.includes("drained"), text);
      const isRefused = /GOAWAY|reset the stream/.test(end.ended);
      if (other === undefined) assert.ok(isRefused || end.ended === "given up", text);
      // A server that gives up when the client has just sent all of it: the reset comes too late.
      if (end.ended === "done") assert.match(other!.ended, /^(done|given up|stopped)$/, text);
    }
    assert.equal(this.#client.streamCount + this.#server.streamCount, 0, "no stream is left");
  }

  /** The socket closes: whatever is open ends, and nothing is kept. */
  close(): void {
    for (const connection of [this.#client, this.#server]) {
      connection.onSocketClosed("the fuzz is over");
      assert.equal(connection.streamCount, 0);
      connection.output.clear();
    }
    for (const end of [...this.#clientEnds, ...this.#serverEnds]) {
      if (end === undefined) continue;
      assert.notEqual(end.ended, "", `call ${end.plan.call} has ended`);
      assert.equal(end.stream!.queue, null);
      assert.equal(end.stream!.heldBytes, 0);
    }
  }
}

/** One round: honest traffic to its end, or with the socket closed in the middle, or with flips. */
export function fuzzConnection(rng: Rng): void {
  const before = overloadFigures().bufferedBytes;
  const isHonest = rng.int(3) > 0;
  const simulation = new Simulation(rng, isHonest);
  simulation.run(rng.int(600));
  if (isHonest && rng.int(4) > 0) simulation.finish();
  simulation.close();
  assert.equal(overloadFigures().bufferedBytes, before, "every buffer is given back");
}
