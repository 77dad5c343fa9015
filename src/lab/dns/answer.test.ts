/** Tests of what the DNS server says: as CoreDNS with its `kubernetes` plugin. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer, RecordType } from "dns-packet";
import { answerOf, RCODE } from "./answer.ts";
import { ListZone, newPod, newSlice } from "./zone.fixture.ts";

const NAME = "echo.prod.svc.cluster.local";

/** "NXDOMAIN", "NODATA" or the records, each by its data. */
function say(zone: ListZone, type: RecordType, name: string): string {
  const { rcode, answers, authorities } = answerOf({ type, name }, zone);
  const soa = authorities.map((each) => each.type).join(" ");
  assert.equal(soa, answers.length === 0 ? "SOA" : "", "a SOA when there is nothing");
  if (answers.length > 0) return answers.map(textOf).join(", ");
  return rcode === RCODE.NXDOMAIN ? "NXDOMAIN" : "NODATA";
}

function textOf(record: Answer): string {
  assert.equal("ttl" in record && record.ttl, 5);
  if (record.type === "SRV") {
    const { priority, weight, port, target } = record.data;
    return `${priority} ${weight} ${port} ${target}`;
  }
  return `${"data" in record && record.data}`;
}

test("a headless Service has its ready endpoints, nil meaning ready", () => {
  const zone = new ListZone();
  const pods = [
    newPod("10.0.0.1"),
    newPod("10.0.0.2", { ready: null }),
    newPod("10.0.0.3", { ready: false }),
    newPod("10.0.0.4", { ready: false, serving: true, terminating: true }),
  ];
  zone.add("prod/echo", {}, newSlice(pods), newSlice([newPod("fd00::1"), newPod("10.0.0.1")]));
  assert.equal(say(zone, "A", NAME), "10.0.0.1, 10.0.0.2");
  assert.equal(say(zone, "AAAA", NAME), "fd00::1");
  assert.equal(say(zone, "A", "ECHO.Prod.svc.cluster.local."), "10.0.0.1, 10.0.0.2");
  assert.equal(say(zone, "TXT", NAME), "NODATA");
});

test("a headless Service without ready endpoints does not exist", () => {
  const zone = new ListZone();
  zone.add("prod/echo", {}, newSlice([newPod("10.0.0.1", { ready: false })]));
  assert.equal(say(zone, "A", NAME), "NXDOMAIN");
  assert.equal(say(zone, "AAAA", NAME), "NXDOMAIN");
  assert.equal(say(zone, "SRV", `_grpc._tcp.${NAME}`), "NXDOMAIN");
});

test("publishNotReadyAddresses makes all endpoints count", () => {
  const zone = new ListZone();
  const slice = newSlice([newPod("10.0.0.1", { ready: false })]);
  zone.add("prod/echo", { publishNotReadyAddresses: true }, slice);
  assert.equal(say(zone, "A", NAME), "10.0.0.1");
});

test("a Service with a virtual IP has that one, ready endpoints or not", () => {
  const zone = new ListZone();
  zone.add("prod/echo", { clusterIp: "10.96.0.7" }, newSlice([newPod("10.0.0.1")]));
  assert.equal(say(zone, "A", NAME), "10.96.0.7");
  assert.equal(say(zone, "AAAA", NAME), "NODATA");
  assert.equal(say(zone, "SRV", `_grpc._tcp.${NAME}`), `0 100 80 ${NAME}`);
  assert.equal(say(zone, "A", `10-0-0-1.${NAME}`), "10.0.0.1");
});

test("SRV records of a named port: a target for each address, and the addresses beside", () => {
  const zone = new ListZone();
  const v4 = newSlice([newPod("10.0.0.1"), newPod("10.0.0.2")]);
  zone.add("prod/echo", {}, v4, newSlice([newPod("fd00::1")]));
  const name = `_grpc._tcp.${NAME}`;
  assert.equal(
    say(zone, "SRV", name),
    `0 33 50051 10-0-0-1.${NAME}, 0 33 50051 10-0-0-2.${NAME}, 0 33 50051 fd00--1.${NAME}`,
  );
  const { additionals } = answerOf({ type: "SRV", name }, zone);
  const beside = additionals.map((each) => `${each.type} ${each.name} ${textOf(each)}`);
  assert.equal(beside[2], `AAAA fd00--1.${NAME} fd00::1`);
  assert.equal(say(zone, "AAAA", `fd00--1.${NAME}`), "fd00::1");
  assert.equal(say(zone, "A", `10-0-0-9.${NAME}`), "NXDOMAIN");
  assert.equal(say(zone, "SRV", `_http._tcp.${NAME}`), "NXDOMAIN");
  assert.equal(say(zone, "SRV", `_grpc._udp.${NAME}`), "NXDOMAIN");
  assert.equal(say(zone, "SRV", `grpc.tcp.${NAME}`), say(zone, "SRV", name));
});

test("no weight of an SRV record is 0, however many pods", () => {
  const zone = new ListZone();
  const pods = Array.from({ length: 150 }, (_, i) => newPod(`10.0.0.${i}`));
  zone.add("prod/echo", {}, newSlice(pods));
  assert.match(say(zone, "SRV", `_grpc._tcp.${NAME}`), /^0 1 50051 /);
});

test("a Service without ports has addresses and no SRV records", () => {
  const zone = new ListZone();
  zone.add("prod/echo", { ports: [] }, { ...newSlice([newPod("10.0.0.1")]), ports: [] });
  assert.equal(say(zone, "A", NAME), "10.0.0.1");
  assert.equal(say(zone, "SRV", NAME), "NODATA");
});

test("an external name is an alias", () => {
  const zone = new ListZone();
  zone.add("prod/echo", { type: "ExternalName", clusterIp: "", externalName: "a.example" });
  assert.equal(say(zone, "A", NAME), "a.example");
  assert.equal(say(zone, "SRV", NAME), "NODATA");
  assert.equal(say(zone, "TXT", NAME), "NODATA");
  assert.equal(say(zone, "A", `a.${NAME}`), "NXDOMAIN");
  assert.equal(say(zone, "SRV", `_grpc._tcp.${NAME}`), "NXDOMAIN");
});

test("names above a Service exist, other names do not: as a search list meets them", () => {
  const zone = new ListZone();
  zone.add("prod/echo", {}, newSlice([newPod("10.0.0.1")]));
  const said = (name: string) => say(zone, "A", name);
  assert.equal(said("cluster.local"), "NODATA");
  assert.equal(said("svc.cluster.local"), "NODATA");
  assert.equal(said("prod.svc.cluster.local"), "NODATA");
  assert.equal(said("test.svc.cluster.local"), "NXDOMAIN");
  assert.equal(said("other.prod.svc.cluster.local"), "NXDOMAIN");
  assert.equal(said("echo.prod.cluster.local"), "NXDOMAIN");
  assert.equal(said("a.b.c.echo.prod.svc.cluster.local"), "NXDOMAIN");
  assert.equal(said("echo.prod"), "NXDOMAIN");
  assert.equal(said("notcluster.local"), "NXDOMAIN");
});
