/**
 * Clusters whose endpoints are names (STRICT_DNS, LOGICAL_DNS) from end to end: go-control-plane
 * says them, the lab's DNS server answers for the names, and calls go through a proxy to pods.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { realClock, realRng, silentLogger } from "../../src/base/index.ts";
import { createChannel } from "../../src/client/plain/public.ts";
import { DnsNames, type DnsSystem, systemDns } from "../../src/discovery/index.ts";
import { LabDns } from "../../src/lab/dns/index.ts";
import { ListZone, newPod, newSlice } from "../../src/lab/dns/zone.fixture.ts";
import { openXds } from "../../src/mesh/index.ts";
import { createMeshProxy, PROXY_DEFAULTS } from "../../src/proxy/index.ts";
import { Registry } from "../../src/telemetry/index.ts";
import { TransportLoop } from "../../src/transport/index.ts";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import { freePort } from "../peers/processes.ts";
import { type Pod, SAY, startPod } from "./pods.ts";
import { apiListener, cluster, type Json, lbEndpoint, routes, routeTo } from "./resources.ts";
import { XdsServer } from "./xds-server.ts";

const NAME = "echo.prod:50051";
const clock = realClock();

/** A machine whose only way to names is the lab's server. */
function machineOf(server: string): DnsSystem {
  const real = systemDns();
  const via = { addresses: [server], timeoutMs: 300, attempts: 1 };
  return {
    queryAddresses: (name, family) => real.queryAddresses(name, family, via),
    querySrv: (name) => real.querySrv(name, via),
    queryTxt: (name) => real.queryTxt(name, via),
    lookupAddresses: (host, family) => real.lookupAddresses(host, family),
    readText: async (path) => (path === "/etc/hosts" ? null : "nameserver 127.0.0.1\n"),
    hasRoute: (ip) => real.hasRoute(ip),
    hostname: () => "proxy",
  };
}

/** DNS, a control plane, pods and a proxy. */
class World {
  readonly zone = new ListZone();
  readonly asked = new Set<string>();
  readonly dns = new LabDns({
    clock,
    zone: this.zone,
    onQuestion: ({ name }) => this.asked.add(name),
  });
  readonly port: number;
  readonly #t: TestContext;
  #channel: ReturnType<typeof createChannel> | null = null;

  private constructor(t: TestContext, port: number) {
    this.#t = t;
    this.port = port;
  }

  /** @param resource the cluster "one", to which all calls go. */
  static async start(t: TestContext, program: string, resource: (port: number) => Json) {
    const world = new World(t, await freePort());
    const server = await world.dns.listen();
    t.after(() => world.dns.close());
    const control = await XdsServer.start(program);
    t.after(() => control.kill());
    const one = resource(world.port);
    await control.serve([apiListener(NAME), routes(NAME, [routeTo("one")]), one]);
    await world.#startProxy(control.address, server);
    return world;
  }

  async #startProxy(control: string, dns: string): Promise<void> {
    const rng = realRng();
    const names = new DnsNames({ clock, rng, system: machineOf(dns) });
    const bootstrap = {
      xds_servers: [{ server_uri: control, channel_creds: [{ type: "insecure" }] }],
      node: { id: "proxy" },
    };
    const system = { clock, rng, log: silentLogger, loop: new TransportLoop(clock), version: "0" };
    const given = { bootstrap, env: {}, target: NAME };
    const source = await openXds(given, { ...system, dns: names, dnsPollMs: 1_000 });
    const places = [{ port: null, address: { host: "127.0.0.1", port: 0 } }];
    const config = { ...PROXY_DEFAULTS, serves: NAME, places, policy: null, isEager: true };
    const bound: string[] = [];
    const proxy = createMeshProxy(config, {
      ...{ clock, rng, log: silentLogger, source, registry: new Registry() },
      onListening: (address) => bound.push(address),
    });
    await proxy.listen();
    this.#t.after(() => proxy.close());
    await eventually("it listens", () => bound.length === 1);
    this.#channel = createChannel(`static:///${bound[0]}`);
    this.#t.after(() => this.#channel!.close());
  }

  async pod(ip: string): Promise<Pod> {
    const pod = await startPod(ip, this.port);
    this.#t.after(() => pod.stop());
    return pod;
  }

  /** A headless Service of these addresses. */
  name(name: string, ips: readonly string[]): void {
    this.zone.add(`prod/${name}`, {}, newSlice(ips.map((ip) => newPod(ip))));
  }

  /** Calls until these pods, and no others, have answered a few in turn. None may fail. */
  async until(what: string, pods: readonly Pod[]): Promise<void> {
    const wanted = pods.map(({ address }) => address).sort();
    await eventually(what, async () => {
      const answers = new Set<string>();
      for (let i = 0; i < 8; i += 1) answers.add(await this.say());
      return [...answers].sort().join() === wanted.join();
    });
  }

  say(): Promise<string> {
    return this.#channel!.unary(SAY, "hello", { timeoutMs: 10_000, waitForReady: true });
  }
}

/** A cluster of names in prod. */
function named(type: string, names: readonly string[], more: Json = {}) {
  return (port: number): Json => {
    const hosts = names.map((name) => lbEndpoint(`${name}.prod.svc.cluster.local:${port}`));
    const loadAssignment = { clusterName: "one", endpoints: [{ lbEndpoints: hosts }] };
    return cluster("one", { type, edsClusterConfig: undefined, loadAssignment, ...more });
  };
}

test("STRICT_DNS: the addresses of all names, and what DNS says later", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const world = await World.start(t, program, named("STRICT_DNS", ["blue", "green"]));
  const [a, b, c] = [
    ...[await world.pod("127.0.0.2"), await world.pod("127.0.0.3"), await world.pod("127.0.0.4")],
  ];
  world.name("blue", ["127.0.0.2", "127.0.0.3"]);
  world.name("green", ["127.0.0.4"]);
  await world.until("the pods of both names", [a, b, c]);
  world.name("blue", ["127.0.0.3"]);
  await world.until("one pod less", [b, c]);
  world.name("green", []);
  await world.until("the other name alone", [b]);
  assert.ok(world.asked.has("green.prod.svc.cluster.local"));
});

test("LOGICAL_DNS: one name, each of its addresses an endpoint; without DNS calls go on", async (t) => {
  const program = requirePeer(t, "xds-server");
  if (program === null) return;
  const resource = named("LOGICAL_DNS", ["blue"], { dnsLookupFamily: "V4_ONLY" });
  const world = await World.start(t, program, resource);
  const [a, b] = [await world.pod("127.0.0.2"), await world.pod("127.0.0.3")];
  world.name("blue", ["127.0.0.2"]);
  await world.until("its pod", [a]);
  world.name("blue", ["127.0.0.2", "127.0.0.3"]);
  await world.until("another address", [a, b]);
  await world.dns.close();
  const untilMs = clock.nowMs() + 2_500;
  const answers = new Set<string>();
  while (clock.nowMs() < untilMs) answers.add(await world.say());
  assert.deepEqual([...answers].sort(), [a.address, b.address], "the last good ones stay");
});
