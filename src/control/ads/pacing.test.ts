/**
 * Who sends when, in virtual time: readers that stall hold back nobody for long, bytes in flight
 * are bounded, and whoever waits has its turn.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { silentLogger, VirtualClock } from "../../base/index.ts";
import { HeaderList } from "../../http2/index.ts";
import type { ServerCall, ServerCallEvents } from "../../server/index.ts";
import { Registry } from "../../telemetry/index.ts";
import {
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  RESOURCE_TYPES,
} from "../../xds/index.ts";
import { WrittenSource } from "./ads-suite.ts";
import { BYTES_IN_FLIGHT_MAX, FIRST_PUSH_MS, PACE_HOLD_MS } from "./limits.ts";
import { Pacer } from "./pacer.ts";
import { AdsService } from "./service.ts";

const typeUrl = RESOURCE_TYPES.EDS;
const NAMES = Array.from({ length: 10 }, (_, i) => `prod/svc-${i}:50051`);
/** Of one resource; ten are a push. */
const RESOURCE_BYTES = 100_000;
/** How long a reader that is well takes for a push. */
const READ_MS = 5;

/** A node that reads what it is sent, until it stalls. */
class Reader implements ServerCall {
  readonly remote: string;
  readonly connection = {};
  readonly peerNames = null;
  readonly headers = new HeaderList();
  /** Contents by name, cut to their first word. */
  readonly told = new Map<string, string>();
  readonly #clock: VirtualClock;
  readonly #isStalled: () => boolean;
  #events: ServerCallEvents | null = null;
  #queue: Buffer[] = [];
  #nonce = "";
  queuedBytes = 0;
  readonly unreadBytes = 0;
  /** Bytes that were ever queued at a time. */
  worstBytes = 0;

  constructor(id: number, clock: VirtualClock, isStalled: () => boolean) {
    this.remote = `127.0.0.1:${1_000 + id}`;
    this.#clock = clock;
    this.#isStalled = isStalled;
  }

  connect(service: AdsService): void {
    this.#events = service.methods()[0]!.open(this);
    this.#ask();
  }

  #ask(): void {
    const fields = { node: { id: this.remote }, typeUrl, resourceNames: NAMES };
    const request = create(DiscoveryRequestSchema, { ...fields, responseNonce: this.#nonce });
    this.#events!.onMessage(toBinary(DiscoveryRequestSchema, request));
  }

  send(parts: readonly Uint8Array[]): void {
    const message = Buffer.concat(parts);
    this.#queue.push(message);
    this.queuedBytes += message.length;
    this.worstBytes = Math.max(this.worstBytes, this.queuedBytes);
    this.#clock.setTimer(READ_MS, () => this.read());
  }

  /** Takes all that waits, if it takes anything. */
  read(): void {
    if (this.#isStalled() || this.#queue.length === 0) return;
    const messages = this.#queue.splice(0);
    this.queuedBytes = 0;
    for (const message of messages) {
      const { resources, nonce } = fromBinary(DiscoveryResponseSchema, message);
      for (const { value } of resources) {
        const [name, content] = Buffer.from(value).toString().split(" ", 2);
        this.told.set(name!, content!);
      }
      this.#nonce = nonce;
    }
    this.#events!.onDrained();
    this.#ask();
  }

  end(): void {
    assert.fail("a good node was ended");
  }

  leave(): void {
    this.#events!.onClosed();
  }
}

function write(source: WrittenSource, content: string): void {
  for (const name of NAMES) source.set("EDS", name, `${name} ${content} `.padEnd(RESOURCE_BYTES));
}

test("a cold start among readers that stall: the others get theirs, soon and then at once", () => {
  const clock = new VirtualClock();
  const source = new WrittenSource();
  const system = { clock, log: silentLogger, registry: new Registry() };
  const service = new AdsService({ ...system, source, isAuthorized: false });
  write(source, "first");
  source.publish();
  clock.advance(1_000);
  let isStalled = true;
  // Those that stall come first: nobody is further ahead of the others than they.
  const stalled = Array.from({ length: 40 }, (_, i) => new Reader(i, clock, () => isStalled));
  const well = Array.from({ length: 40 }, (_, i) => new Reader(100 + i, clock, () => false));
  const pushBytes = NAMES.length * (RESOURCE_BYTES + 500);
  const pass = (ms: number): void => {
    for (let i = 0; i < ms; i += 1) {
      clock.advance(1);
      assert.ok(service.pacer.bytes < BYTES_IN_FLIGHT_MAX + pushBytes, "bytes in flight");
    }
  };
  for (const reader of [...stalled, ...well]) reader.connect(service);
  const rounds = Math.ceil((stalled.length * pushBytes) / BYTES_IN_FLIGHT_MAX);
  pass(rounds * PACE_HOLD_MS + well.length * READ_MS);
  for (const { told } of well) assert.equal(told.size, NAMES.length);
  assert.ok(stalled.every(({ told }) => told.size === 0));

  write(source, "second");
  source.publish();
  pass(FIRST_PUSH_MS + well.length * READ_MS);
  for (const { told } of well) assert.deepEqual([...new Set(told.values())], ["second"]);
  // What waits for them is one push, however much has changed.
  write(source, "third");
  source.publish();
  pass(1_000);
  for (const { worstBytes } of stalled) assert.ok(worstBytes < pushBytes, `${worstBytes}`);

  isStalled = false;
  for (const reader of stalled) reader.read();
  pass(1_000);
  for (const { told } of [...stalled, ...well]) {
    assert.deepEqual([...new Set(told.values())], ["third"]);
  }
  assert.equal(service.pacer.bytes, 0);
  for (const reader of [...stalled, ...well]) reader.leave();
  service.close();
});

test("a turn is for who waits longest, is lost by who has gone, and never lost by a hold", () => {
  const clock = new VirtualClock();
  const pacer = new Pacer(clock, 100);
  const turns: string[] = [];
  const paced = (name: string, bytes: number) => {
    const one = {
      onTurn: () => {
        turns.push(name);
        if (pacer.mayPush(one)) pacer.hold(bytes);
      },
    };
    return one;
  };
  const first = pacer.hold(100);
  const [a, b, c, d] = [paced("a", 60), paced("b", 60), paced("c", 60), paced("d", 60)];
  for (const one of [a, b, c, d]) assert.equal(pacer.mayPush(one), false);
  pacer.forget(b);
  pacer.release(first);
  pacer.release(first);
  assert.deepEqual(turns, ["a", "c"]);
  assert.equal(pacer.bytes, 120);
  // Nobody takes anything: time alone gives the next turn.
  clock.advance(PACE_HOLD_MS - 1);
  assert.deepEqual(turns, ["a", "c"]);
  clock.advance(1);
  assert.deepEqual(turns, ["a", "c", "d"]);
  clock.advance(PACE_HOLD_MS);
  assert.equal(pacer.bytes, 0);
  pacer.close();
});
