/**
 * The stories, for people who ask why a pod gets calls or none: what is said, and with which
 * numbers.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Chooser } from "./chooser.ts";
import { rowsOf } from "./desk.ts";
import {
  endpointFixture,
  evidenceFixture,
  NOW_MS,
  podFixture,
  viewFixture,
} from "./evidence.fixture.ts";
import type { Evidence } from "./evidence.ts";
import { laneStory, podStory } from "./story.ts";

function story(pod: string, evidence: Evidence): readonly string[] {
  const fact = evidence.pods.find(({ name }) => name === pod)!;
  return podStory(fact, rowsOf(evidence), evidence);
}

function service(change: Partial<Evidence> = {}, opensMore = false): Evidence {
  const chooser: Chooser = {
    ...{ by: "service", clusterIpBy: "relay", opensMore },
    carried: () => Promise.reject(new Error("not asked here")),
  };
  const answered = { "echo-1": 4123, "echo-2": 0, "echo-3": 0 };
  const carried = [{ from: "127.0.0.1:4711", pod: "echo-1", sinceMs: NOW_MS - 34_200 }];
  return evidenceFixture({ chooser, answered, answeredInAll: answered, carried, ...change });
}

test("clusterip: the pod that gets everything, and why", () => {
  assert.deepEqual(story("echo-1", service()), [
    "echo-1 has answered all of this lane's 4,123 calls.",
    "The client holds one connection to the ClusterIP, and the relay that stands for kube-proxy " +
      "gave that one to echo-1 when it was opened, 34.2 s ago.",
    "A call opens no connection of its own, so all of them go where this one leads.",
  ]);
});

test("clusterip: a pod that gets nothing, and where the only connection is", () => {
  assert.deepEqual(story("echo-2", service()), [
    "echo-2 has answered none of this lane's 4,123 calls.",
    "It is ready, in EndpointSlice lab/echo-abc for 34.2 s, so the ClusterIP may give it the " +
      "next connection.",
    "The client has one, to echo-1 for 34.2 s, and opens no other while that works.",
  ]);
});

test("clusterip: a pod that is not ready keeps the connection that it has", () => {
  const inSlice = { ...podFixture(1).inSlice!, isReady: false, forMs: 100 };
  const pods = [podFixture(1, { state: "not-ready", inSlice }), podFixture(2)];
  const told = story("echo-1", service({ pods })).join(" ");
  assert.match(told, /NOT_SERVING, so its readiness probe fails/);
  assert.match(told, /gave that one to echo-1/);
});

test("several connections are drawn for by chance, each for itself", () => {
  const carried = ["echo-1", "echo-1", "echo-3"].map((pod, index) => ({
    ...{ from: `127.0.0.1:${4711 + index}`, pod, sinceMs: NOW_MS - 1000 },
  }));
  const evidence = service({ carried }, true);
  assert.match(story("echo-1", evidence)[1]!, /^2 of the client's 3 connections lead to it/);
  const [, next, ...more] = story("echo-2", evidence);
  assert.match(next!, /may give it the next connection/);
  assert.deepEqual(more, []);
});

function headless(change: Partial<Evidence> = {}): Evidence {
  const subchannels = [1, 2, 3].map((number) => ({
    ...{ address: `127.0.1.${number}:50051`, state: "READY" },
    ...{ started: 102, succeeded: 100, failed: 0 },
  }));
  const addresses = ["127.0.1.1", "127.0.1.2", "127.0.1.3"];
  const lookup = { name: "echo-headless.lab", atMs: NOW_MS - 34_000, addresses };
  const known = { calls: [], sockets: [], subchannels, lookup, view: null };
  return evidenceFixture({ chooser: { by: "list", from: "dns" }, known, ...change });
}

test("headless: a new pod that DNS named to nobody yet, with the times", () => {
  const inSlice = { ...podFixture(4).inSlice!, forMs: 12_300 };
  const { pods, answered } = evidenceFixture();
  const told = story(
    "echo-4",
    headless({
      pods: [...pods, podFixture(4, { inSlice })],
      answered: { ...answered, "echo-4": 0 },
      hasChanged: true,
    }),
  );
  assert.deepEqual(told, [
    "echo-4 has answered none of this lane's 300 calls since the number of pods last changed.",
    "It is ready, in EndpointSlice lab/echo-abc for 12.3 s, but the client last asked DNS 34.0 s " +
      "ago and was told 3 addresses, this one not among them.",
    "grpc-js asks DNS again when a connection breaks, and not because new pods are there.",
  ]);
});

test("headless: round_robin does not look at a slow pod", () => {
  const pods = [podFixture(1, { isSlow: true }), podFixture(2), podFixture(3)];
  assert.deepEqual(story("echo-1", headless({ pods })), [
    "echo-1 has answered 100 of this lane's 300 calls, 33.3%, where the fair share is 33.3%.",
    "It was made slow: its calls take many times their usual time.",
    "DNS named it, and round_robin gives each connected pod a call in turn, and does not look at " +
      "how a pod fares.",
  ]);
});

test("calls that failed at a pod's address went to it", () => {
  const call = { atMs: NOW_MS, pod: "", latencyMs: 1, failure: "UNAVAILABLE: sick" };
  const { known } = headless();
  const calls = [
    { ...call, peer: "127.0.1.1:50051" },
    { ...call, peer: "127.0.1.2:50051" },
  ];
  const [share] = story("echo-1", headless({ known: { ...known, calls } }));
  assert.match(share!, /of the latest 2 calls it answered 0, and 1 failed there\.$/);
});

const PROXY: Chooser = { by: "proxies", all: () => [{ name: "p", admin: "127.0.0.1:9901" }] };

test("a proxy: what it knows of a pod, what it measured, and by which policy it chooses", () => {
  const slow = endpointFixture(1, { latencyMs: 98.4, activeCalls: 1 });
  const view = viewFixture([slow, endpointFixture(2), endpointFixture(3)]);
  const evidence = evidenceFixture({ chooser: PROXY, views: [{ via: null, view }] });
  assert.deepEqual(story("echo-1", evidence).slice(1), [
    "Fairlead proxy knows it from EndpointSlice lab/echo-abc, holds 1 connection to it and has " +
      "1 call in flight there; its answers take 98 ms of late, those of the others 4.10 ms.",
    "For each call, least_request compares two pods drawn by chance and takes the one with fewer " +
      "calls in flight.",
  ]);
});

test("a proxy: a pod that it knows and does not use", () => {
  const away = endpointFixture(1, { usable: false, state: "EJECTED", reason: "returns in 3.0 s" });
  const view = viewFixture([away, endpointFixture(2)]);
  const evidence = evidenceFixture({ chooser: PROXY, views: [{ via: null, view }] });
  assert.equal(
    story("echo-1", evidence).at(-1),
    "Fairlead proxy knows it from EndpointSlice lab/echo-abc and does not use it: " +
      "returns in 3.0 s.",
  );
  assert.match(story("echo-3", evidence).at(-1)!, /does not have it: it is in EndpointSlice/);
});

test("two replicas: what each has sent, and who holds the client's connections", () => {
  const view = viewFixture([endpointFixture(1)]);
  const idle = viewFixture([endpointFixture(1, { calls: 0 })]);
  const views = [
    { via: "proxy-1", view },
    { via: "proxy-2", view: idle },
  ];
  const replica = { calls: 300, callsPerSecond: 300 };
  const replicas = [
    { name: "proxy-1", connections: 8, ...replica },
    { name: "proxy-2", connections: 0, ...replica },
  ];
  const evidence = evidenceFixture({ chooser: PROXY, views, replicas });
  const [, sent] = story("echo-1", evidence);
  assert.equal(sent, "proxy-1 has sent it 300 calls, proxy-2 has sent it 0 calls.");
  assert.match(
    laneStory(rowsOf(evidence), evidence).join(" "),
    /Of the client's connections, proxy-1 holds 8, proxy-2 holds 0\./,
  );
});

test("a pod that takes no new calls is told of by all that it ever answered", () => {
  const answered = { "echo-1": 5 };
  const answeredInAll = { "echo-1": 50, "echo-2": 40 };
  const [share] = story("echo-2", evidenceFixture({ answered, answeredInAll, hasChanged: true }));
  assert.match(share!, /^echo-2 has answered 40 calls of this lane in all\./);
});

test("nothing is claimed of who does not tell", () => {
  const [, told] = story("echo-1", evidenceFixture());
  assert.equal(told, "How nginx chooses is not told: certain is who answered.");
  assert.match(
    story("echo-1", evidenceFixture({ answered: {}, answeredInAll: {} }))[0]!,
    /^No call of this lane has been answered yet\.$/,
  );
});
