/**
 * However many nodes there are, other work has its turn meanwhile: what is pushed to all goes in
 * slices, and what changes or leaves between two of them is no worse off for it.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { WorkClock } from "../../../test/support/work-clock.ts";
import { SLICE_MS, silentLogger } from "../../base/index.ts";
import { HeaderList } from "../../http2/index.ts";
import type { ServerCall, ServerCallEvents } from "../../server/index.ts";
import { Registry } from "../../telemetry/index.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  RESOURCE_TYPES,
} from "../../xds/index.ts";
import { WrittenSource } from "./ads-suite.ts";
import { ORDER_WAIT_MS } from "./limits.ts";
import { Pacer } from "./pacer.ts";
import { AdsService } from "./service.ts";

const { CDS, RDS } = RESOURCE_TYPES;
const NODES = 40;
/** What an answer costs. */
const SEND_MS = 5;
const SENDS_PER_SLICE = SLICE_MS / SEND_MS;

/** A node that asks for all clusters and routes, and is told what there is at some cost. */
class Costly implements ServerCall {
  readonly remote: string;
  readonly connection = {};
  readonly peerNames = null;
  readonly headers = new HeaderList();
  readonly queuedBytes = 0;
  readonly unreadBytes = 0;
  /** "NAME=CONTENT" in the order in which they came, and in which turn each came. */
  readonly told: { readonly what: string; readonly turn: number }[] = [];
  doesAck = true;
  /** Called once, in the turn after the next answer. */
  afterNext: (() => void) | null = null;
  readonly #clock: WorkClock;
  readonly #events: ServerCallEvents;

  constructor(id: number, clock: WorkClock, service: AdsService) {
    this.remote = `127.0.0.1:${1_000 + id}`;
    this.#clock = clock;
    this.#events = service.methods()[1]!.open(this);
    this.#ask({ node: { id: this.remote }, typeUrl: CDS, resourceNamesSubscribe: ["*"] });
    this.#ask({ typeUrl: RDS, resourceNamesSubscribe: ["*"] });
  }

  #ask(fields: object): void {
    const request = create(DeltaDiscoveryRequestSchema, fields);
    this.#events.onMessage(toBinary(DeltaDiscoveryRequestSchema, request));
  }

  send(parts: readonly Uint8Array[]): void {
    this.#clock.workedMs += SEND_MS;
    const { typeUrl, nonce, resources } = fromBinary(
      DeltaDiscoveryResponseSchema,
      Buffer.concat(parts),
    );
    for (const { name, resource } of resources) {
      const what = `${name}=${Buffer.from(resource!.value)}`;
      this.told.push({ what, turn: this.#clock.turns });
    }
    if (this.afterNext !== null) this.#clock.setTimer(0, this.afterNext);
    this.afterNext = null;
    if (this.doesAck) this.#clock.setTimer(0, () => this.#ask({ typeUrl, responseNonce: nonce }));
  }

  end(): void {
    assert.fail("a good node was ended");
  }

  leave(): void {
    this.#events.onClosed();
  }

  /** What came, and nothing else since the last look. */
  take(): string[] {
    return this.told.splice(0).map(({ what }) => what);
  }
}

function setup() {
  const clock = new WorkClock();
  const source = new WrittenSource();
  const system = { clock, log: silentLogger, registry: new Registry() };
  const service = new AdsService({ ...system, source, isAuthorized: false });
  source.set("CDS", "a", "1");
  source.set("RDS", "r", "1");
  source.publish();
  clock.advance(1_000);
  const nodes = Array.from({ length: NODES }, (_, i) => new Costly(i, clock, service));
  clock.advance(1_000);
  for (const node of nodes) assert.deepEqual(node.take(), ["a=1", "r=1"]);
  const close = (): void => {
    for (const node of nodes) node.leave();
    clock.advance(ORDER_WAIT_MS);
    assert.equal(clock.pendingCount, 0, "without nodes there is no timer");
    service.close();
  };
  return { clock, source, service, nodes, close };
}

/** How many were told in a turn, at most. */
function mostInTurn(nodes: readonly Costly[]): number {
  const counts = new Map<number, number>();
  for (const { turn } of nodes.flatMap(({ told }) => told)) {
    counts.set(turn, (counts.get(turn) ?? 0) + 1);
  }
  return Math.max(...counts.values());
}

test("a change goes to all nodes in slices of time", () => {
  const { clock, source, nodes, close } = setup();
  source.set("CDS", "a", "2");
  source.publish();
  clock.advance(1_000);
  assert.equal(mostInTurn(nodes), SENDS_PER_SLICE);
  for (const node of nodes) assert.deepEqual(node.take(), ["a=2"]);
  close();
});

test("what changes and who leaves while a push is on its way", () => {
  const { clock, source, nodes, close } = setup();
  source.set("CDS", "a", "2");
  source.publish();
  const [gone] = nodes.splice(-1);
  // Those before it have acknowledged the first change by then.
  nodes[NODES / 2]!.afterNext = () => {
    assert.deepEqual(nodes.at(-1)!.told, []);
    // A route with its cluster: no node may hear of the route first, told of the cluster or not.
    source.set("CDS", "b", "1");
    source.set("RDS", "r", "2");
    source.publish();
    gone!.leave();
  };
  clock.advance(1_000);
  assert.deepEqual(gone!.told, []);
  for (const node of nodes) {
    const told = node.take();
    assert.deepEqual([...told].sort(), ["a=2", "b=1", "r=2"]);
    assert.equal(told.at(-1), "r=2");
  }
  // Nothing is left over of what came between.
  clock.advance(60_000);
  for (const node of nodes) assert.deepEqual(node.take(), []);
  close();
});

test("those that no longer wait for an ACK have their turn in slices", () => {
  const { clock, source, nodes, close } = setup();
  for (const node of nodes) node.doesAck = false;
  source.set("CDS", "a", "2");
  source.set("RDS", "r", "2");
  source.publish();
  clock.advance(1_000);
  for (const node of nodes) assert.deepEqual(node.take(), ["a=2"]);
  const [gone] = nodes.splice(-1);
  nodes[0]!.afterNext = () => gone!.leave();
  clock.advance(ORDER_WAIT_MS + 2_000);
  assert.deepEqual(gone!.told, []);
  assert.equal(mostInTurn(nodes), SENDS_PER_SLICE);
  for (const node of nodes) assert.deepEqual(node.take(), ["r=2"]);
  close();
});

test("a push that is on its way when the service closes is left at that", () => {
  const { clock, source, service, nodes } = setup();
  source.set("CDS", "a", "2");
  source.publish();
  nodes[0]!.afterNext = () => service.close();
  clock.advance(60_000);
  for (const node of nodes) node.leave();
  assert.deepEqual(nodes.at(-1)!.told, []);
  assert.equal(clock.pendingCount, 0);
});

test("turns of those that wait for bytes in flight are given in slices", () => {
  const clock = new WorkClock();
  const pacer = new Pacer(clock, 100);
  const hold = pacer.hold(100);
  const turns: number[] = [];
  for (let i = 0; i < NODES; i += 1) {
    const onTurn = (): void => {
      clock.workedMs += SEND_MS;
      turns.push(clock.turns);
    };
    assert.equal(pacer.mayPush({ onTurn }), false);
  }
  pacer.release(hold);
  assert.equal(turns.length, SENDS_PER_SLICE);
  clock.advance(NODES);
  assert.equal(turns.length, NODES);
  assert.equal(new Set(turns).size, NODES / SENDS_PER_SLICE);
  pacer.close();
  assert.equal(clock.pendingCount, 0);
});
