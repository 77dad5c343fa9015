/**
 * The simulated world keeps to what real ones do: sockets end, hosts answer or do not, pods have a
 * capacity, and chance is the seed's alone.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Status } from "../../../src/grpc/index.ts";
import { Client, policyConfig, type SimulatedCall } from "./client.ts";
import { constant, exponential, lognormal } from "./distributions.ts";
import { Network } from "./network.ts";
import type { PodConfig } from "./pod.ts";
import { Service } from "./service.ts";
import { jain, maxOverMean, mean, quantile } from "./statistics.ts";
import { Timeline } from "./timeline.ts";
import { Line, VirtualSocket } from "./virtual-socket.ts";
import { World } from "./world.ts";

/** Both ends of a connection, and what each heard. */
function connection(latencyMs = 5) {
  const world = new World(1);
  const line = new Line(world.clock, latencyMs);
  const ends = VirtualSocket.pair(line);
  const heard = ends.map((socket) => {
    const log: string[] = [];
    socket.on("data", (bytes) => log.push(`${bytes}`));
    socket.on("end", () => log.push("end"));
    socket.on("error", (error) => log.push(error.message));
    socket.on("close", () => log.push("close"));
    return log;
  });
  return { world, line, ends, heard };
}

test("bytes arrive after the latency, in order, and the end behind them", () => {
  const { world, ends, heard } = connection(5);
  const chunk = Buffer.from("one");
  let written = 0;
  ends[0].write(chunk, () => (written += 1));
  chunk.fill(0); // What was written is the kernel's.
  ends[0].write(Buffer.from("two"), () => (written += 1));
  ends[0].end();
  world.run(4.9);
  assert.deepEqual(heard[1], []);
  world.run(0.1);
  assert.deepEqual(heard[1], ["one", "two", "end", "close"]);
  assert.equal(written, 2);
  world.run(5);
  assert.deepEqual(heard[0], ["end", "close"]);
  assert.equal(world.clock.pendingCount, 0);
});

test("a reset ends both ends, and what is sent to a closed end is answered with one", () => {
  const { world, ends, heard } = connection();
  ends[1].reset();
  world.run(5);
  assert.deepEqual(heard, [["read ECONNRESET", "close"], ["close"]]);
  const other = connection();
  other.ends[1].destroy();
  other.ends[0].write(Buffer.from("late"), () => {});
  other.world.run(20);
  assert.deepEqual(other.heard[1], ["close"]);
  assert.equal(other.heard[0].at(-1), "close");
});

test("of a line that is cut nothing is heard any more", () => {
  const { world, line, ends, heard } = connection();
  ends[0].write(Buffer.from("on its way"), () => {});
  line.isCut = true;
  ends[1].destroy();
  ends[0].write(Buffer.from("lost"), () => {});
  world.run(60_000);
  assert.deepEqual(heard[0], []);
  assert.deepEqual(heard[1], ["close"]);
});

test("chance is the seed's and the name's alone", () => {
  const draws = (seed: number, name: string) => {
    const rng = new World(seed).rng(name);
    return [rng.next(), rng.next()];
  };
  assert.deepEqual(draws(1, "a"), draws(1, "a"));
  assert.notDeepEqual(draws(1, "a"), draws(2, "a"));
  assert.notDeepEqual(draws(1, "a"), draws(1, "b"));
});

test("distributions have the mean that they are asked for", () => {
  const rng = new World(3).rng("draws");
  for (const draw of [constant(10), exponential(10), lognormal(10, 0.5), lognormal(10, 1)]) {
    const values = Array.from({ length: 50_000 }, () => draw(rng));
    assert.ok(Math.abs(mean(values) - 10) < 0.3, `${mean(values)}`);
    assert.ok(Math.min(...values) >= 0);
  }
});

test("statistics of even and uneven lists", () => {
  assert.deepEqual([maxOverMean([2, 2, 2]), jain([2, 2, 2])], [1, 1]);
  assert.deepEqual([maxOverMean([3, 0, 0]), jain([3, 0, 0])], [3, 1 / 3]);
  assert.deepEqual([maxOverMean([0, 0]), jain([0, 0])], [0, 1]);
  assert.deepEqual([quantile([3, 1, 2], 0.5), quantile([3, 1, 2], 0.99)], [2, 3]);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

const POD: PodConfig = { workMs: constant(10), workers: 1, queueMax: 2, maxStreams: 100 };

/** A client of some pods, and the calls of it that ended. */
function scene(pods: number, config: PodConfig = POD) {
  const world = new World(1);
  const service = new Service(new Network(world, constant(1)), constant(100));
  service.addMany(pods, config);
  const ended: SimulatedCall[] = [];
  const timeline = new Timeline(service);
  const client = new Client(service, {
    name: "client",
    serviceConfig: policyConfig("round_robin"),
    onCallEnded: (call) => {
      ended.push(call);
      timeline.record(call);
    },
  });
  world.run(50);
  return { world, service, client, ended, timeline };
}

test("a pod works on one call after the other, and refuses what it has no room for", () => {
  const { world, client, ended } = scene(1);
  for (let i = 0; i < 4; i += 1) client.call();
  world.run(100);
  assert.deepEqual(
    ended.map(({ status, tookMs }) => [status, Math.round(tookMs)]),
    [
      [Status.RESOURCE_EXHAUSTED, 2],
      [Status.OK, 12],
      [Status.OK, 22],
      [Status.OK, 32],
    ],
  );
});

test("a stream is answered by several messages over the time that it takes", () => {
  const { world, client, ended } = scene(1);
  client.call({ isStream: true, hasBody: true });
  world.run(8);
  assert.equal(ended.length, 0);
  world.run(10);
  assert.deepEqual([ended.length, ended[0]!.status], [1, Status.OK]);
});

test("slow and failing pods are as slow, and fail, as they are told", () => {
  const { world, service, client, ended, timeline } = scene(2);
  service.pods[0]!.slowFactor = 10;
  service.pods[1]!.errorRate = 1;
  client.call();
  client.call();
  world.run(200);
  const byPod = (i: number) => ended.find(({ address }) => address === service.pods[i]!.address)!;
  assert.deepEqual([byPod(0).status, Math.round(byPod(0).tookMs)], [Status.OK, 102]);
  assert.deepEqual([byPod(1).status, Math.round(byPod(1).tookMs)], [Status.UNAVAILABLE, 12]);
  assert.deepEqual(timeline.countsByPod(), [1, 1]);
  assert.deepEqual([timeline.share(0, 0, 1e9), timeline.failures()], [0.5, 1]);
});

test("a pod that was killed resets its connections; one that vanished says nothing", () => {
  const { world, service, client } = scene(2);
  const states = () => client.cluster.subchannels.map(({ state }) => state);
  service.kill(service.pods[0]!, 1_000);
  world.run(10);
  assert.deepEqual(states(), ["TRANSIENT_FAILURE", "READY"], "connection refused");
  service.pods[1]!.vanish();
  world.run(500);
  assert.equal(states()[1], "READY", "nobody knows");
  world.run(700);
  assert.deepEqual(states(), ["READY"], "the news of the first arrived");
});

test("a pod that terminates serves what it has, and is gone from the set after the news", () => {
  const { world, service, client, ended } = scene(2, { ...POD, workMs: constant(300) });
  client.call();
  client.call();
  world.run(10);
  service.remove(service.pods[0]!, 0, 30_000);
  world.run(90);
  assert.equal(client.cluster.subchannels.length, 2, "no news yet");
  world.run(20);
  assert.equal(client.cluster.subchannels.length, 1);
  world.run(500);
  assert.deepEqual(
    ended.map(({ status }) => status),
    [Status.OK, Status.OK],
  );
  assert.deepEqual([service.pods[0]!.isAlive, service.pods[0]!.isKilled], [false, false]);
});
