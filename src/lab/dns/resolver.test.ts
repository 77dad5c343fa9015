/**
 * Tests of discovery by DNS over real sockets: the resolver of `discovery` with the machine's own
 * client against the lab's server. On real time, because Node's client is.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { realClock, realRng, silentLogger } from "../../base/index.ts";
import {
  createResolver,
  DnsNames,
  type DnsSystem,
  type EndpointSet,
  type Resolver,
  systemDns,
} from "../../discovery/index.ts";
import { LabDns } from "./index.ts";
import { ListZone, newPod, newSlice, podsOf } from "./zone.fixture.ts";

const FULL_NAME = "echo.prod.svc.cluster.local";

/** What one resolver was told. */
interface Heard {
  readonly sets: EndpointSet[];
  readonly errors: string[];
  readonly resolver: Resolver;
}

/** A zone behind a running server, and a machine whose resolv.conf is that of a pod. */
async function setup() {
  const zone = new ListZone();
  const asked: string[] = [];
  const clock = realClock();
  const dns = new LabDns({
    clock,
    zone,
    onQuestion: ({ type, name }, transport) => asked.push(`${transport} ${type} ${name}`),
  });
  const server = await dns.listen();
  // resolv.conf has no ports, so that the queries of a pod are led to the lab's server here.
  const machine = systemDns();
  const via = { addresses: [server], timeoutMs: 300, attempts: 1 };
  const pod: DnsSystem = {
    queryAddresses: (name, family) => machine.queryAddresses(name, family, via),
    querySrv: (name) => machine.querySrv(name, via),
    queryTxt: (name) => machine.queryTxt(name, via),
    lookupAddresses: (host, family) => machine.lookupAddresses(host, family),
    readText: async (path) =>
      path === "/etc/hosts"
        ? null
        : "nameserver 127.0.0.1\nsearch prod.svc.cluster.local svc.cluster.local cluster.local\n" +
          "options ndots:5\n",
    hasRoute: (ip) => machine.hasRoute(ip),
    hostname: () => "pod",
  };
  const names = new DnsNames({ clock, rng: realRng(), system: pod });
  const all: Heard[] = [];
  const resolve = (target: string): Heard => {
    const deps = { clock, rng: realRng(), log: silentLogger, dns: names, dnsPollMs: 1000 };
    const heard: Heard = { sets: [], errors: [], resolver: createResolver(target, deps) };
    all.push(heard);
    heard.resolver.start({
      onEndpoints: (set) => heard.sets.push(set),
      onError: (reason) => heard.errors.push(reason),
    });
    return heard;
  };
  const end = async () => {
    for (const { resolver } of all) resolver.close();
    await dns.close();
  };
  return { zone, dns, asked, server, names, resolve, end };
}

/** Waits for something to come true. The test runner ends a test that waits for ever. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise<void>((resolve) => realClock().setTimer(5, resolve));
}

const addressesOf = (set: EndpointSet | undefined) =>
  set?.endpoints.map(({ address }) => address).join(" ");

const TIMEOUT = { timeout: 30_000 };

test("a headless Service by its short name: pods come, go, and all are gone", TIMEOUT, async () => {
  const { zone, asked, resolve, end } = await setup();
  zone.add("prod/echo", {}, newSlice([newPod("127.0.0.2"), newPod("127.0.0.3")]));
  const { sets, errors } = resolve("dns:///echo:50051");
  await until(() => sets.length === 1);
  assert.equal(addressesOf(sets[0]), "127.0.0.2:50051 127.0.0.3:50051");
  assert.equal(sets[0].endpoints[0].rule, `A of ${FULL_NAME}`);
  zone.add("prod/echo", {}, newSlice([newPod("127.0.0.3"), newPod("127.0.0.4")]));
  await until(() => sets.length === 2);
  assert.equal(addressesOf(sets[1]), "127.0.0.3:50051 127.0.0.4:50051");
  zone.add("prod/echo", {}, newSlice([newPod("127.0.0.3", { ready: false })]));
  await until(() => sets.length === 3);
  assert.deepEqual(sets[2].endpoints, []);
  assert.match(sets[2].reason ?? "", /^echo has no addresses in DNS/);
  assert.deepEqual(errors, []);
  assert.ok(asked.includes("udp A echo.cluster.local"), "an empty name is looked for elsewhere");
  await end();
});

test("a name of two labels is found further down the search list", TIMEOUT, async () => {
  const { zone, asked, resolve, end } = await setup();
  zone.add("other/echo", { clusterIp: "127.0.0.9" }, newSlice([newPod("127.0.0.2")]));
  const { sets } = resolve("dns:///echo.other:50051");
  await until(() => sets.length === 1);
  assert.equal(addressesOf(sets[0]), "127.0.0.9:50051");
  assert.deepEqual(asked.filter((each) => each.includes(" A ")).slice(0, 2), [
    "udp A echo.other.prod.svc.cluster.local",
    "udp A echo.other.svc.cluster.local",
  ]);
  await end();
});

test(
  "a thousand pods: the answer over UDP is cut, the one over TCP is whole",
  TIMEOUT,
  async () => {
    const { zone, asked, server, resolve, end } = await setup();
    zone.add("prod/echo", {}, newSlice(podsOf(1000)));
    const { sets } = resolve(`dns://${server}/${FULL_NAME}:50051`);
    await until(() => sets.length === 1);
    assert.equal(sets[0].endpoints.length, 1000);
    const ofA = asked.filter((each) => each.includes(" A "));
    assert.deepEqual(ofA, [`udp A ${FULL_NAME}`, `tcp A ${FULL_NAME}`]);
    await end();
  },
);

test("a named port: pods with ports of their own, and few queries", TIMEOUT, async () => {
  const { zone, asked, resolve, end } = await setup();
  const more = newSlice([newPod("127.0.1.1")], 50_052);
  zone.add("prod/echo", {}, newSlice(podsOf(100)), more);
  const { sets } = resolve("dns:///echo.prod:grpc");
  await until(() => sets.length === 1);
  assert.equal(sets[0].endpoints.length, 101);
  assert.ok(addressesOf(sets[0])?.endsWith(" 127.0.1.1:50052"));
  assert.ok(sets[0].endpoints.every(({ weight }) => weight === 1));
  assert.deepEqual(
    new Set(asked.map((each) => each.split(" ").slice(1).join(" "))),
    new Set([
      "SRV _grpc._tcp.echo.prod.prod.svc.cluster.local",
      `SRV _grpc._tcp.${FULL_NAME}`,
      `A ${FULL_NAME}`,
      `AAAA ${FULL_NAME}`,
    ]),
  );
  await end();
});

test("a dual-stack headless Service has each pod once", TIMEOUT, async () => {
  const { zone, resolve, end } = await setup();
  const v4 = newSlice([newPod("127.0.0.2"), newPod("10.0.0.3")]);
  zone.add("prod/echo", {}, v4, newSlice([newPod("::1"), newPod("::2")]));
  const byNumber = resolve("dns:///echo.prod:50051");
  const byName = resolve("dns:///echo.prod:grpc");
  await until(() => byNumber.sets.length === 1 && byName.sets.length === 1);
  for (const { sets } of [byNumber, byName]) {
    assert.equal(addressesOf(sets[0]), "10.0.0.3:50051 127.0.0.2:50051");
    assert.equal(sets[0].skipped?.length, 2);
  }
  await end();
});

test("SERVFAIL, REFUSED and silence keep the set; the return is told", TIMEOUT, async () => {
  const { zone, dns, resolve, end } = await setup();
  zone.add("prod/echo", {}, newSlice([newPod("127.0.0.2")]));
  const { sets, errors } = resolve("dns:///echo.prod:50051");
  await until(() => sets.length === 1);
  for (const [kind, says] of [
    ["servfail", /SERVFAIL/],
    ["refused", /REFUSED/],
    ["timeout", /time-out/],
  ] as const) {
    dns.faults = [{ kind }];
    const before = errors.length;
    await until(() => errors.length > before);
    assert.match(errors.at(-1) ?? "", says);
  }
  assert.equal(sets.length, 1);
  dns.faults = [{ kind: "truncate" }];
  await until(() => sets.length === 2);
  assert.equal(addressesOf(sets[1]), "127.0.0.2:50051");
  await end();
});

test("a server that fails on AAAA alone, or is slow, changes nothing", TIMEOUT, async () => {
  const { zone, dns, resolve, end } = await setup();
  zone.add("prod/echo", {}, newSlice([newPod("127.0.0.2")]));
  dns.faults = [
    { kind: "servfail", type: "AAAA" },
    { kind: "slow", type: "A", delayMs: 50 },
  ];
  const { sets, errors } = resolve("dns:///echo.prod:50051");
  await until(() => sets.length === 1);
  zone.add("prod/echo", {}, newSlice([newPod("127.0.0.3")]));
  await until(() => sets.length === 2);
  assert.equal(addressesOf(sets[1]), "127.0.0.3:50051");
  assert.deepEqual(errors, []);
  await end();
});

test("a thousand channels to one name ask once", TIMEOUT, async () => {
  const { zone, asked, names, resolve, end } = await setup();
  zone.add("prod/echo", {}, newSlice(podsOf(3)));
  const all = Array.from({ length: 1000 }, () => resolve("dns:///echo:50051"));
  await until(() => all.every(({ sets }) => sets.length === 1));
  assert.deepEqual(asked.sort(), [`udp A ${FULL_NAME}`, `udp AAAA ${FULL_NAME}`]);
  assert.equal(names.size, 1);
  await end();
});
