/**
 * The sidecar in real network namespaces, with real rules: clients dial a ClusterIP as ever, gRPC
 * is balanced over the pods, and everything else passes through untouched and at once.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FIRST_BYTES_TIMEOUT_MS } from "../../src/proxy/capture/sniffer.ts";
import { type Language, runStorm } from "../peers/storms.ts";
import { PORTS } from "./ports.ts";
import { CLUSTER_IPS, PODS, requireCapture, Topology } from "./topology.ts";

let topology: Topology | null = null;
let hindrance: string | null = null;

before(async () => {
  const programs = requireCapture({ skip: (message) => (hindrance = message ?? "") });
  if (programs !== null) topology = await Topology.create(programs.echoServer);
});
after(() => topology?.close());

/** A test with the topology, skipped by name where there can be none. */
function capturing(name: string, run: (made: Topology, t: Skippable) => Promise<void>): void {
  test(name, async (t) => {
    if (topology === null) t.skip(hindrance ?? "");
    else await run(topology, t);
  });
}
type Skippable = Parameters<typeof runStorm>[0];

const SIDECAR = ["--mode", "sidecar", "--admin", "9901"];

/** Calls over one connection, by the pod that answered. */
async function callsByPod(
  made: Topology,
  t: Skippable,
  language: Language,
  target = `${CLUSTER_IPS.echo}:${PORTS.grpc}`,
): Promise<Record<string, number> | null> {
  const options = { calls: 300, connections: 1, concurrency: 4, sizeMax: 10_000, seed: 7 };
  const storm = await runStorm(t, language, { ...options, target, runner: made.inPod }, 60_000);
  if (storm === null) return null;
  assert.ok(storm.isGood, JSON.stringify(storm.summary));
  return storm.summary.servers;
}

/** Each pod has its share of calls over one connection. */
function assertEven(servers: Record<string, number>): void {
  const counts = PODS.map((ip) => servers[ip] ?? 0);
  const sum = counts.reduce((a, b) => a + b);
  for (const count of counts) assert.ok(count > sum / 3 / 1.5, JSON.stringify(servers));
}

capturing("without a sidecar one connection is one pod's", async (made, t) => {
  const servers = await callsByPod(made, t, "go");
  if (servers !== null) assert.equal(Object.keys(servers).length, 1, JSON.stringify(servers));
});

for (const flavour of ["nftables", "iptables"] as const) {
  capturing(`${flavour}: a sidecar balances gRPC and leaves all else alone`, async (made, t) => {
    const rules = ["capture-rules", "--mode", "sidecar", "--flavour", flavour];
    const proxy = await made.startProxy(made.pod, SIDECAR);
    // Twice is as once.
    await made.fairlead(made.pod, ...rules, "--apply");
    await made.fairlead(made.pod, ...rules, "--apply");
    try {
      for (const language of ["go", "python", "node"] as const) {
        const servers = await callsByPod(made, t, language);
        if (servers !== null) assertEven(servers);
      }
      await othersPass(made);
      await adminTells(made);
    } finally {
      await made.fairlead(made.pod, ...rules, "--delete");
      await made.fairlead(made.pod, ...rules, "--delete");
      await proxy.stop();
    }
    const left = await made.run(made.pod, "nft", ["list", "ruleset"]);
    assert.doesNotMatch(left, /fairlead|1500[16]/i, "no rule is left");
  });
}

/** What is not gRPC, to a Service that does not say so, and to one that does. */
async function othersPass(made: Topology): Promise<void> {
  const greeting = await made.dial("greeting", CLUSTER_IPS.others, PORTS.serverFirst);
  assert.match(String(greeting.greeting), /8\.4\.0-greets/);
  assert.equal(greeting.answer, "got SELECT 1");
  assert.ok(Number(greeting.greetedMs) < FIRST_BYTES_TIMEOUT_MS, "nothing waited for the client");
  const late = await made.dial("greeting", CLUSTER_IPS.odd, PORTS.serverFirst);
  assert.match(String(late.greeting), /8\.4\.0-greets/);
  for (const host of [CLUSTER_IPS.others, CLUSTER_IPS.odd]) {
    const http = await made.dial("http", host, PORTS.http);
    assert.equal(http.status, 200);
    assert.equal(http.body, "GET /hello from 10.245.1.2");
    const tls = await made.dial("tls", host, PORTS.tls);
    assert.deepEqual([tls.echoed, tls.protocol], ["over TLS", "TLSv1.3"]);
  }
  const big = await made.dial("big", CLUSTER_IPS.others, PORTS.echo);
  assert.deepEqual([big.count, big.isEqual], [64 * 1024 * 1024, true]);
}

async function adminTells(made: Topology): Promise<void> {
  const text = await made.dial("http", "127.0.0.1", 9901);
  assert.match(String(text.body), /\/capture/);
}
