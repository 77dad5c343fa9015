/** Tests of named ports: SRV records, their priorities and weights, and their targets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SrvRecord } from "./client.ts";
import { setup } from "./fake-dns-suite.ts";
import { TARGET_LOOKUPS_MAX } from "./targets.ts";

const TARGET = "dns:///echo.prod:grpc";
const SERVICE = "_grpc._tcp.echo.prod";

/** Records from "priority weight port target". */
const srv = (...lines: string[]): readonly SrvRecord[] =>
  lines.map((line) => {
    const [priority, weight, port, target] = line.split(" ");
    return { priority: Number(priority), weight: Number(weight), port: Number(port), target };
  });

function inService(target = TARGET) {
  const all = setup({ target });
  const service = all.dns.name(SERVICE);
  return { ...all, service };
}

test("each record is an endpoint: its target's address with its port", async () => {
  const { dns, heard, service, sets, start, pass, end } = inService();
  service.srv = srv("0 50 50051 a.prod", "0 50 50052 b.prod");
  dns.name("a.prod").a = ["10.0.0.1"];
  dns.name("b.prod").aaaa = ["fd00::1"];
  start();
  await pass(0);
  assert.deepEqual(heard, ["+ 10.0.0.1:50051 [fd00::1]:50052"]);
  const [first] = sets[0].endpoints;
  assert.deepEqual([first.source, first.rule, first.weight], ["dns", `SRV of ${SERVICE}`, 1]);
  end();
});

test("no such port, no such name, or decidedly not offered: an empty set", async () => {
  for (const said of ["ENOTFOUND", "ENODATA", srv("0 0 0 ")]) {
    const { heard, service, sets, start, pass, end } = inService();
    service.srv = said;
    start();
    await pass(0);
    assert.deepEqual(heard, ["+"]);
    assert.match(sets[0].reason ?? "", /^_grpc\._tcp\.echo\.prod has no SRV records in DNS/);
    end();
  }
});

test("the search list is walked for the host, below the port's name", async () => {
  const { dns, heard, start, pass, end } = inService();
  dns.files.set("/etc/resolv.conf", "nameserver 10.0.0.53\nsearch a b\noptions ndots:5\n");
  dns.name("_grpc._tcp.echo.prod.b").srv = srv("0 1 1 x.y");
  dns.name("x.y").a = ["10.0.0.1"];
  start();
  await pass(0);
  assert.deepEqual(heard, ["+ 10.0.0.1:1"]);
  assert.deepEqual(dns.asked, [
    "SRV _grpc._tcp.echo.prod.a @ 10.0.0.53",
    "SRV _grpc._tcp.echo.prod.b @ 10.0.0.53",
    "A x.y @ 10.0.0.53",
    "AAAA x.y @ 10.0.0.53",
  ]);
  end();
});

test("without a resolv.conf SRV records come from the servers that the machine has", async () => {
  const { dns, service, heard, start, pass, end } = inService("dns:///echo.prod.:grpc");
  dns.files.delete("/etc/resolv.conf");
  service.srv = srv("0 1 1 x.y");
  dns.name("x.y").a = ["10.0.0.1"];
  start();
  await pass(0);
  assert.deepEqual(heard, ["+ 10.0.0.1:1"]);
  assert.equal(dns.asked[0], `SRV ${SERVICE} @ `);
  end();
});

test("the best priority that has an address is used, the others are told as skipped", async () => {
  const { dns, heard, service, sets, start, pass, end } = inService();
  service.srv = srv("20 0 3 c.prod", "10 0 1 a.prod", "10 0 2 b.prod");
  dns.name("c.prod").a = ["10.0.0.3"];
  dns.name("a.prod").a = ["10.0.0.1"];
  dns.name("b.prod").a = ["10.0.0.2"];
  start();
  await pass(0);
  dns.names.delete("a.prod");
  await pass(5000);
  dns.names.delete("b.prod");
  await pass(5000);
  assert.deepEqual(heard, ["+ 10.0.0.1:1 10.0.0.2:2", "+ 10.0.0.2:2", "+ 10.0.0.3:3"]);
  assert.deepEqual(
    sets[0].skipped?.map(({ endpoint, reason }) => `${endpoint.address}: ${reason}`),
    ["10.0.0.3:3: SRV: targets of priority 10 are used"],
  );
  end();
});

test("weights are shares; all alike are 1, and 0 beside others is 1", async () => {
  const { dns, service, sets, start, pass, end } = inService();
  for (const [i, host] of ["a", "b", "c"].entries()) dns.name(host).a = [`10.0.0.${i + 1}`];
  const weights = () => sets.at(-1)?.endpoints.map(({ weight }) => weight);
  service.srv = srv("0 33 1 a", "0 33 1 b", "0 33 1 c");
  start();
  await pass(0);
  assert.deepEqual(weights(), [1, 1, 1]);
  service.srv = srv("0 60 1 a", "0 30 1 b", "0 0 1 c");
  await pass(5000);
  assert.deepEqual(weights(), [60, 30, 1]);
  end();
});

test("a target that fails keeps its last addresses while others change", async () => {
  const { dns, heard, log, service, start, pass, end } = inService();
  service.srv = srv("0 0 1 a.prod", "0 0 1 b.prod");
  dns.name("a.prod").a = ["10.0.0.1"];
  dns.name("b.prod").a = ["10.0.0.2"];
  start();
  await pass(0);
  dns.name("a.prod").a = "ESERVFAIL";
  dns.name("a.prod").aaaa = "ESERVFAIL";
  dns.name("b.prod").a = ["10.0.0.3"];
  await pass(5000);
  assert.deepEqual(heard, ["+ 10.0.0.1:1 10.0.0.2:1", "+ 10.0.0.1:1 10.0.0.3:1"]);
  assert.ok(log.lines.includes("warn: lookup failed in part"));
  end();
});

test("a target that never was answered is left out, unless it might be the better one", async () => {
  const { dns, heard, service, start, pass, end } = inService();
  dns.name("a.prod").a = "ETIMEOUT";
  dns.name("b.prod").a = ["10.0.0.2"];
  service.srv = srv("10 0 1 a.prod", "20 0 2 b.prod");
  start();
  await pass(0);
  service.srv = srv("10 0 1 a.prod", "10 0 2 b.prod");
  await pass(5000);
  assert.deepEqual(heard, [
    `! lookup of ${SERVICE}: time-out: the DNS server does not answer`,
    "+ 10.0.0.2:2",
  ]);
  end();
});

test("SERVFAIL of the records, or of all targets, keeps the set", async () => {
  const { dns, heard, service, start, pass, end } = inService();
  service.srv = srv("0 0 1 a.prod");
  dns.name("a.prod").a = ["10.0.0.1"];
  start();
  await pass(0);
  service.srv = "ESERVFAIL";
  await pass(5000);
  service.srv = srv("0 0 1 a.prod");
  dns.name("a.prod").a = "ETIMEOUT";
  dns.name("a.prod").aaaa = "ETIMEOUT";
  await pass(5000);
  dns.name("a.prod").a = ["10.0.0.1"];
  await pass(5000);
  assert.deepEqual(heard, [
    "+ 10.0.0.1:1",
    `! lookup of ${SERVICE}: SERVFAIL: the DNS server could not answer`,
    `! lookup of ${SERVICE}: time-out: the DNS server does not answer`,
    "+ 10.0.0.1:1",
  ]);
  end();
});

test("a server that fails on AAAA alone does not keep the A records from changing", async () => {
  const { dns, heard, service, start, pass, end } = inService();
  service.srv = srv("0 0 1 a.prod");
  dns.name("a.prod").a = ["10.0.0.1"];
  dns.name("a.prod").aaaa = "ESERVFAIL";
  start();
  await pass(0);
  dns.name("a.prod").a = ["10.0.0.2"];
  await pass(5000);
  assert.deepEqual(heard, ["+ 10.0.0.1:1", "+ 10.0.0.2:1"]);
  end();
});

test("the targets' TTL sets the time between lookups", async () => {
  const { dns, service, start, pass, end } = inService();
  service.srv = srv("0 0 1 a.prod", "0 0 1 b.prod");
  Object.assign(dns.name("a.prod"), { a: ["10.0.0.1"], ttlMs: 20_000 });
  Object.assign(dns.name("b.prod"), { a: ["10.0.0.2"], ttlMs: 12_000 });
  start();
  await pass(11_900);
  const before = dns.asked.length;
  await pass(100);
  assert.ok(dns.asked.length > before);
  end();
});

test("pods that CoreDNS names by their address cost no query each", async () => {
  const { dns, echo, heard, service, start, pass, end } = inService();
  const ips = Array.from({ length: 1000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  service.srv = srv(...ips.map((ip) => `0 1 50051 ${ip.replaceAll(".", "-")}.echo.prod`));
  echo.a = ips;
  echo.ttlMs = 5000;
  start();
  await pass(0);
  assert.equal(heard[0].split(" ").length, 1001);
  assert.deepEqual(
    dns.asked.map((each) => each.split(" @")[0]),
    [`SRV ${SERVICE}`, "A echo.prod", "AAAA echo.prod"],
  );
  end();
});

test("such a name means nothing when the Service's own records do not agree", async () => {
  const { dns, echo, heard, service, start, pass, end } = inService();
  service.srv = srv("0 1 1 10-0-0-1.echo.prod", "0 1 1 10-0-0-2.echo.prod", "0 1 1 10-0-0-2.other");
  echo.a = ["10.0.0.1"];
  dns.name("10-0-0-2.echo.prod").a = ["10.9.9.9"];
  dns.name("10-0-0-2.other").a = ["10.9.9.8"];
  start();
  await pass(0);
  assert.deepEqual(heard, ["+ 10.0.0.1:1 10.9.9.8:1 10.9.9.9:1"]);
  end();
});

test("when the Service's own records fail, its pods are not asked for one by one", async () => {
  const { dns, echo, heard, service, start, pass, end } = inService();
  service.srv = srv(...Array.from({ length: 100 }, (_, i) => `0 1 1 10-0-0-${i}.echo.prod`));
  echo.a = "ETIMEOUT";
  echo.aaaa = "ETIMEOUT";
  start();
  await pass(0);
  assert.equal(dns.asked.length, 3);
  assert.equal(heard.length, 1);
  assert.match(heard[0], /time-out/);
  end();
});

test("a dual-stack headless Service has each pod once; a host with both families too", async () => {
  const { dns, echo, heard, service, sets, start, pass, end } = inService();
  service.srv = srv(
    "0 1 1 10-0-0-1.echo.prod",
    "0 1 1 10-0-0-2.echo.prod",
    "0 1 1 fd00--1.echo.prod",
    "0 1 1 fd00--2.echo.prod",
    "0 1 1 web-0.echo.prod",
    "0 1 1 six.echo.prod",
  );
  echo.a = ["10.0.0.1", "10.0.0.2"];
  echo.aaaa = ["fd00::1", "fd00:0:0::2"];
  Object.assign(dns.name("web-0.echo.prod"), { a: ["10.0.0.3"], aaaa: ["fd00::3"] });
  dns.name("six.echo.prod").aaaa = ["fd00::6"]; // a host of its own: it has no other address
  start();
  await pass(0);
  assert.deepEqual(heard, ["+ 10.0.0.1:1 10.0.0.2:1 10.0.0.3:1 [fd00::6]:1"]);
  assert.deepEqual(
    sets[0].skipped?.map(({ endpoint }) => endpoint.address),
    ["[fd00:0:0::2]:1", "[fd00::1]:1", "[fd00::3]:1"],
  );
  end();
});

test("many targets are asked for a few at a time", async () => {
  const { dns, heard, service, start, pass, end } = inService();
  service.srv = srv(...Array.from({ length: 200 }, (_, i) => `0 1 1 web-${i}.other`));
  for (let i = 0; i < 200; i += 1) dns.name(`web-${i}.other`).a = [`10.0.0.${i}`];
  start();
  await pass(0);
  assert.equal(heard[0].split(" ").length, 201);
  assert.equal(dns.openMax, 2 * TARGET_LOOKUPS_MAX);
  assert.equal(dns.asked.length, 401);
  end();
});

test("labels that no server should send break nothing", async () => {
  const { heard, service, start, pass, end } = inService();
  const labels = [
    "--",
    "-",
    "a%b--1",
    "fd00--1%eth0",
    "1-2-3-4-5",
    "::1",
    "ffff-ffff",
    "echo.prod",
  ];
  service.srv = srv(...labels.map((label) => `0 1 1 ${label}.echo.prod`));
  start();
  await pass(0);
  assert.deepEqual(heard, ["+"]);
  end();
});

test("records of port 0, and targets at 0.0.0.0, are passed over, which is said once", async () => {
  const { dns, heard, log, service, start, pass, end } = inService();
  service.srv = srv("0 1 0 a.prod", "0 1 50051 b.prod", "5 1 50052 c.prod");
  dns.name("a.prod").a = ["10.0.0.1"];
  dns.name("b.prod").a = ["0.0.0.0"];
  dns.name("c.prod").a = ["10.0.0.3"];
  start();
  await pass(20_000);
  assert.deepEqual(heard, ["+ 10.0.0.3:50052"]);
  assert.equal(log.entries.length, 1);
  service.srv = srv("0 1 0 a.prod", "5 1 50052 c.prod");
  await pass(20_000);
  assert.deepEqual(
    log.entries.map(({ fields }) => fields.reason),
    ["a record of 0.0.0.0 is passed over", "an SRV record of port 0 is passed over"],
  );
  service.srv = srv("0 1 0 a.prod");
  await pass(20_000);
  assert.deepEqual(heard, ["+ 10.0.0.3:50052", "+"]);
  end();
});
