/**
 * Two replicas that hear each other over loopback, with groups that note what they are told to
 * shed. Virtual time.
 */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { settle } from "../../../test/support/cluster.ts";
import { eventually } from "../../../test/support/raw-http2.ts";
import { RecordingLogger, seededRng, VirtualClock } from "../../base/index.ts";
import { newEndpoint, newEndpointSet, type Resolver } from "../../discovery/index.ts";
import { Registry } from "../../telemetry/index.ts";
import { connectionsView } from "../admin/views.fixture.ts";
import { LOOK_MS, Nesting, type ShedGroup } from "./nesting.ts";
import type { WorkerLoad, WorkerOrder } from "./shed-split.ts";

/** Workers that shed what they are told to, a call per second with each connection. */
class Group implements ShedGroup {
  workers: WorkerLoad[];
  readonly orders: WorkerOrder[] = [];
  isBroken = false;

  constructor(...callsPerSecond: number[]) {
    this.workers = callsPerSecond.map((rate, i) => {
      return { worker: i + 1, connections: rate, callsPerSecond: rate };
    });
  }

  async loads(): Promise<WorkerLoad[]> {
    if (this.isBroken) throw new Error("broken");
    return this.workers;
  }

  async shed(orders: readonly WorkerOrder[]): Promise<number> {
    this.orders.push(...orders);
    let count = 0;
    for (const { worker, order } of orders) {
      const shed = Math.min(order.countMax, Math.floor(order.amount));
      count += shed;
      this.workers = this.workers.map((one) => {
        if (one.worker !== worker) return one;
        const left = one.connections - shed;
        return { worker, connections: left, callsPerSecond: left };
      });
    }
    return count;
  }
}

class Pair {
  readonly clock = new VirtualClock();
  readonly log = new RecordingLogger();
  readonly nestings: Nesting[] = [];
  #listeners: Parameters<Resolver["start"]>[0][] = [];

  async start(...groups: Group[]): Promise<void> {
    const addresses: string[] = [];
    for (const group of groups) {
      const nesting = this.make(group);
      addresses.push(await nesting.listen());
      nesting.start();
    }
    for (const listener of this.#listeners) {
      const endpoints = addresses.map((address) => newEndpoint(address, "static"));
      listener.onEndpoints(newEndpointSet(endpoints));
    }
    await eventually("they know each other", () => {
      return this.nestings.every((each) => this.#states(each) === "ANSWERING,SELF");
    });
  }

  /** One more, which does not listen yet. */
  make(group: Group, port = 0): Nesting {
    const resolver: Resolver = {
      target: "peers.test:1",
      start: (listener) => this.#listeners.push(listener),
      resolveNow: () => {},
      close: () => {},
    };
    const { clock, log } = this;
    const rng = seededRng(this.nestings.length + 1);
    const deps = { clock, log, resolver, rng, registry: new Registry() };
    const listen = { host: "127.0.0.1", port };
    const nesting = new Nesting({ target: "peers.test:1", listen, tls: null }, group, deps);
    this.nestings.push(nesting);
    return nesting;
  }

  #states(nesting: Nesting): string {
    const { peers } = nesting.view({ connections: [], sheds: [] });
    return peers
      .map(({ state }) => state)
      .sort()
      .join();
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= LOOK_MS / 2) {
      this.clock.advance(LOOK_MS / 2);
      await settle(3);
    }
  }

  async close(): Promise<void> {
    for (const nesting of this.nestings) nesting.close();
    await settle();
    assert.equal(this.clock.pendingCount, 0, "no timer is left");
  }
}

let pairs: Pair[] = [];

function newPair(): Pair {
  const pair = new Pair();
  pairs.push(pair);
  return pair;
}

afterEach(async () => {
  const made = pairs;
  pairs = [];
  for (const pair of made) await pair.close();
});

test("the one above the mean sheds, of its workers the one that has most; then it rests", async () => {
  const pair = newPair();
  const [full, empty] = [new Group(50, 150), new Group(40)];
  await pair.start(full, empty);
  await pair.pass(60_000);
  assert.deepEqual(empty.orders, []);
  assert.ok(full.orders.length > 1);
  assert.ok(full.orders.slice(0, 2).every(({ worker }) => worker === 2));
  const count = full.orders.length;
  await pair.pass(60_000);
  assert.equal(full.orders.length, count, "at rest nothing is shed");
  const { balance, connections } = pair.nestings[0]!.view(connectionsView());
  assert.equal(balance?.verdict, "balanced");
  assert.equal(balance?.replicas, 2);
  assert.match(connections[0]!.reason, /^kept: balanced: /);
});

test("one that drains sheds nothing, and counts no more for the other", async () => {
  const pair = newPair();
  const [full, other] = [new Group(200), new Group(40)];
  await pair.start(full, other);
  pair.nestings[0]!.drain();
  await pair.pass(10_000);
  assert.deepEqual([full.orders, other.orders], [[], []]);
  const views = pair.nestings.map((each) => each.view({ connections: [], sheds: [] }));
  assert.deepEqual(
    views.map(({ balance }) => balance?.verdict),
    ["draining", "alone"],
  );
  assert.deepEqual(views[1]!.peers.map(({ state }) => state).sort(), ["DRAINING", "SELF"]);
});

test("a peer port in use is told in a sentence", async () => {
  const pair = newPair();
  const address = await pair.make(new Group(1)).listen();
  const other = pair.make(new Group(1), Number(address.split(":")[1]));
  const message = `cannot listen on ${address}: the address is in use`;
  await assert.rejects(other.listen(), { name: "ListenError", message });
});

test("a group that fails is told of in the log, and looked at again", async () => {
  const pair = newPair();
  const group = new Group(10);
  await pair.start(group, new Group(10));
  await pair.pass(1000);
  group.isBroken = true;
  await pair.pass(2000);
  assert.ok(pair.log.lines.some((line) => line.startsWith("error: the load of the replicas")));
  group.isBroken = false;
  await pair.pass(5000);
  assert.equal(pair.nestings[0]!.view({ connections: [], sheds: [] }).balance?.load, 11);
});
