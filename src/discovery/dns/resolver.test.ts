/** Tests of the DNS resolver: when it asks, what it tells, and what it keeps. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRng } from "../../base/index.ts";
import { settled, setup } from "./fake-dns-suite.ts";

test("the addresses make one set, sorted, with the target's port", async () => {
  const { echo, heard, sets, start, pass, end } = setup();
  echo.a = ["10.0.0.2", "10.0.0.1", "10.0.0.2"];
  start();
  await pass(0);
  assert.deepEqual(heard, ["+ 10.0.0.1:50051 10.0.0.2:50051"]);
  assert.equal(sets[0].endpoints[0].source, "dns");
  assert.equal(sets[0].endpoints[0].rule, "A of echo.prod");
  end();
});

test("nothing is asked before the start", async () => {
  const { dns, resolver, pass, end } = setup();
  resolver.resolveNow();
  await pass(10_000);
  assert.deepEqual(dns.asked, []);
  end();
});

test("asked every 5 s; an unchanged answer is not told again, a changed one is", async () => {
  const { echo, count, heard, start, pass, end } = setup();
  echo.a = ["10.0.0.1"];
  start();
  await pass(4900);
  assert.equal(count(), 1);
  await pass(100);
  assert.equal(count(), 2);
  echo.a = ["10.0.0.1", "10.0.0.2"];
  await pass(5000);
  assert.equal(count(), 3);
  assert.deepEqual(heard, ["+ 10.0.0.1:50051", "+ 10.0.0.1:50051 10.0.0.2:50051"]);
  end();
});

test("jitter spreads the polls by a tenth either way", async () => {
  const { clock, dns, start, pass, end } = setup({
    rng: seededRng(1),
    dnsPollMs: 10_000,
  });
  const times: number[] = [];
  const query = dns.queryAddresses.bind(dns);
  dns.queryAddresses = (name, family, servers) => {
    if (family === 4) times.push(clock.nowMs());
    return query(name, family, servers);
  };
  start();
  await pass(500_000);
  const gaps = times.slice(1).map((at, i) => at - times[i]);
  assert.ok(Math.min(...gaps) >= 9000 && Math.min(...gaps) < 9500, `${Math.min(...gaps)}`);
  assert.ok(Math.max(...gaps) <= 11_000 && Math.max(...gaps) > 10_500, `${Math.max(...gaps)}`);
  end();
});

test("a TTL sets the time between lookups, within 1 to 30 s, unless one was given", async () => {
  for (const [ttlMs, dnsPollMs, wantMs] of [
    [7000, undefined, 7000],
    [0, undefined, 1000],
    [3_600_000, undefined, 30_000],
    [7000, 2000, 2000],
    [null, undefined, 5000],
    [null, 10, 1000],
  ] as const) {
    const { echo, count, start, pass, end } = setup(dnsPollMs === undefined ? {} : { dnsPollMs });
    echo.ttlMs = ttlMs;
    echo.a = ["10.0.0.1"];
    start();
    await pass(wantMs - 100);
    assert.equal(count(), 1, `${ttlMs} ${dnsPollMs}`);
    await pass(100);
    assert.equal(count(), 2, `${ttlMs} ${dnsPollMs}`);
    end();
  }
});

test("a failed lookup is repeated after 5 s, however long the last TTL was", async () => {
  const { echo, count, start, pass, end } = setup();
  echo.ttlMs = 30_000;
  echo.a = "ESERVFAIL";
  echo.aaaa = "ESERVFAIL";
  start();
  await pass(5000);
  assert.equal(count(), 2);
  end();
});

test("NXDOMAIN and NODATA are an empty set that says why, told once and not logged here", async () => {
  for (const code of ["ENOTFOUND", "ENODATA"]) {
    const { echo, log, heard, sets, start, pass, end } = setup();
    echo.a = code;
    echo.aaaa = code;
    start();
    await pass(20_000);
    assert.deepEqual(heard, ["+"]);
    assert.match(sets[0].reason ?? "", /^echo\.prod has no addresses in DNS/);
    assert.equal(sets[0].isAbsent, true);
    assert.deepEqual(log.lines, [], "the cluster that listens logs it");
    end();
  }
});

test("a name that had addresses and has none any more empties the set", async () => {
  const { echo, heard, start, pass, end } = setup();
  echo.a = ["10.0.0.1"];
  start();
  await pass(0);
  echo.a = "ENOTFOUND";
  await pass(5000);
  echo.a = ["10.0.0.1"];
  await pass(5000);
  assert.deepEqual(heard, ["+ 10.0.0.1:50051", "+", "+ 10.0.0.1:50051"]);
  end();
});

test("what stays in the set, and what stays skipped, stays the same object", async () => {
  const { echo, sets, start, pass, end } = setup();
  echo.a = ["10.0.0.1"];
  echo.aaaa = ["fd00::1"];
  start();
  await pass(0);
  echo.a = ["10.0.0.1", "10.0.0.2"];
  echo.aaaa = ["fd00::1", "fd00::2"];
  await pass(5000);
  const [before, after] = sets;
  assert.equal(after.endpoints.length, 2);
  assert.equal(after.endpoints[0], before.endpoints[0]);
  assert.equal(after.skipped?.length, 2);
  assert.equal(after.skipped[0], before.skipped?.[0]);
  end();
});

test("SERVFAIL and time-outs keep the last good set; the source's return is told", async () => {
  const { echo, log, heard, start, pass, end } = setup();
  echo.a = ["10.0.0.1"];
  start();
  await pass(0);
  echo.a = "ESERVFAIL";
  echo.aaaa = "ESERVFAIL";
  await pass(15_000);
  echo.a = "ETIMEOUT";
  await pass(5000);
  echo.a = ["10.0.0.1"];
  echo.aaaa = "ENODATA";
  await pass(10_000);
  assert.deepEqual(heard, [
    "+ 10.0.0.1:50051",
    "! lookup of echo.prod: SERVFAIL: the DNS server could not answer",
    "! lookup of echo.prod: time-out: the DNS server does not answer",
    "+ 10.0.0.1:50051",
  ]);
  assert.deepEqual(log.lines, [], "who listens logs it");
  end();
});

test("an unknown failure is told in the words of its error", async () => {
  const { echo, heard, start, pass, end } = setup();
  echo.a = "EWEIRD";
  start();
  await pass(0);
  assert.deepEqual(heard, ["! lookup of echo.prod: query EWEIRD"]);
  end();
});

test("one family that fails does not hide the other, and keeps its own last answer", async () => {
  const { echo, log, heard, start, pass, end } = setup();
  // Loopback addresses, of which both families are used.
  echo.a = ["127.0.0.1"];
  echo.aaaa = "ESERVFAIL";
  start();
  await pass(10_000);
  echo.aaaa = ["::1"];
  await pass(5000);
  echo.aaaa = "ETIMEOUT";
  echo.a = ["127.0.0.2"];
  await pass(5000);
  echo.aaaa = ["::1"];
  echo.a = "ETIMEOUT";
  await pass(5000);
  assert.deepEqual(heard, [
    "+ 127.0.0.1:50051",
    "+ 127.0.0.1:50051 [::1]:50051",
    "+ 127.0.0.2:50051 [::1]:50051",
  ]);
  assert.deepEqual(
    log.lines.filter((line) => line.startsWith("warn")),
    ["warn: lookup failed in part", "warn: lookup failed in part"],
  );
  end();
});

test("no records of one family and a failure of the other is no empty set", async () => {
  const { echo, heard, start, pass, end } = setup();
  echo.a = ["10.0.0.1"];
  start();
  await pass(0);
  echo.a = "ENOTFOUND";
  echo.aaaa = "ESERVFAIL";
  await pass(5000);
  assert.deepEqual(heard.slice(1), [
    "! lookup of echo.prod: SERVFAIL: the DNS server could not answer",
  ]);
  end();
});

test("what changes while the source is away is a stale set, and the reason holds on", async () => {
  const { echo, heard, sets, start, pass, end } = setup();
  echo.a = ["127.0.0.1"];
  echo.aaaa = ["::1"];
  start();
  await pass(0);
  echo.a = "ESERVFAIL";
  echo.aaaa = "ESERVFAIL";
  await pass(5000);
  echo.a = "ENODATA";
  await pass(10_000);
  echo.aaaa = ["::1"];
  await pass(5000);
  assert.deepEqual(heard, [
    "+ 127.0.0.1:50051 [::1]:50051",
    "! lookup of echo.prod: SERVFAIL: the DNS server could not answer",
    "+ [::1]:50051",
    "+ [::1]:50051",
  ]);
  assert.deepEqual(
    sets.map(({ isStale }) => isStale),
    [undefined, true, undefined],
  );
  end();
});

test("a family that says none goes, and one that fails stays and is told as stale", async () => {
  const { echo, heard, start, pass, end } = setup();
  echo.a = ["127.0.0.1"];
  echo.aaaa = ["::1"];
  start();
  await pass(0);
  echo.a = "ENODATA";
  echo.aaaa = "ESERVFAIL";
  await pass(10_000);
  echo.aaaa = ["::1"];
  await pass(5000);
  assert.deepEqual(heard, [
    "+ 127.0.0.1:50051 [::1]:50051",
    "+ [::1]:50051",
    "! lookup of echo.prod: SERVFAIL: the DNS server could not answer",
    "+ [::1]:50051",
  ]);
  end();
});

test("resolveNow asks at once, but not within a second of the last lookup", async () => {
  const { echo, count, resolver, start, pass, end } = setup();
  echo.a = ["10.0.0.1"];
  start();
  await pass(100);
  for (let i = 0; i < 50; i += 1) resolver.resolveNow();
  await pass(800);
  assert.equal(count(), 1);
  await pass(100);
  assert.equal(count(), 2);
  await pass(2000);
  resolver.resolveNow();
  await pass(100);
  assert.equal(count(), 3);
  await pass(4800);
  assert.equal(count(), 3, "the poll begins anew");
  await pass(100);
  assert.equal(count(), 4);
  end();
});

test("lookups never overlap: resolveNow during one asks again after it", async () => {
  const { dns, echo, count, heard, resolver, start, pass, end } = setup();
  echo.a = null;
  start();
  await pass(3000);
  resolver.resolveNow();
  resolver.resolveNow();
  await pass(3000);
  assert.equal(count(), 1);
  echo.a = ["10.0.0.1"];
  dns.release();
  await pass(100);
  assert.equal(count(), 2);
  await pass(4800);
  assert.equal(count(), 2);
  assert.deepEqual(heard, ["+ 10.0.0.1:50051"]);
  end();
});

test("a lookup that hangs is told after 10 s, and its late answer still counts", async () => {
  const { dns, echo, count, heard, start, pass, end } = setup();
  echo.a = null;
  start();
  await pass(9900);
  assert.deepEqual(heard, []);
  await pass(60_000);
  assert.deepEqual(heard, ["! lookup of echo.prod: no answer within 10 s"]);
  assert.equal(count(), 1);
  echo.a = ["10.0.0.1"];
  dns.release();
  await pass(0);
  assert.deepEqual(heard.slice(1), ["+ 10.0.0.1:50051"]);
  end();
});

test("in an outage whose lookups all are slow, one reason is told and not two in turn", async () => {
  const { echo, heard, start, pass, end, dns } = setup();
  echo.a = ["10.0.0.1"];
  start();
  await pass(0);
  for (let i = 0; i < 3; i += 1) {
    Object.assign(echo, { a: null, aaaa: null });
    await pass(20_000);
    Object.assign(echo, { a: "ETIMEOUT", aaaa: "ETIMEOUT" });
    dns.release();
    await pass(0);
  }
  assert.deepEqual(heard.slice(1), [
    "! lookup of echo.prod: no answer within 10 s",
    "! lookup of echo.prod: time-out: the DNS server does not answer",
  ]);
  end();
});

test("after close nothing is asked, told or pending, even with a lookup under way", async () => {
  const { clock, dns, echo, count, heard, resolver, start, pass, end } = setup();
  echo.a = null;
  start();
  await pass(100);
  resolver.close();
  assert.equal(clock.pendingCount, 0);
  echo.a = ["10.0.0.1"];
  dns.release();
  resolver.resolveNow();
  await pass(30_000);
  assert.deepEqual(heard, []);
  assert.equal(count(), 1);
  end();
});

test("a listener may close the resolver from within", async () => {
  const { clock, echo, resolver, end } = setup();
  echo.a = ["10.0.0.1"];
  resolver.start({ onEndpoints: () => resolver.close(), onError: assert.fail });
  await settled();
  assert.equal(clock.pendingCount, 0);
  end();
});

test("the server of the target is the one that is asked", async () => {
  const { dns, start, pass, end } = setup({ target: "dns://10.96.0.10/echo:1" });
  start();
  await pass(0);
  assert.deepEqual(dns.asked, ["A echo @ 10.96.0.10:53", "AAAA echo @ 10.96.0.10:53"]);
  end();
});

test("addresses that nobody can be reached at are passed over, which is said once", async () => {
  const { echo, heard, log, sets, start, pass, end } = setup();
  echo.a = ["0.0.0.0", "10.0.0.1"];
  echo.aaaa = ["::"];
  start();
  await pass(20_000);
  assert.deepEqual(heard.splice(0), ["+ 10.0.0.1:50051"]);
  const line = "warn: lookup failed in part";
  assert.deepEqual(log.lines, [line]);
  assert.equal(log.entries[0].fields.reason, "a record of 0.0.0.0 is passed over");
  echo.a = ["0.0.0.0"];
  await pass(20_000);
  assert.deepEqual(heard, ["+"]);
  assert.equal(sets.at(-1)?.endpoints.length, 0);
  assert.deepEqual(log.lines, [line]);
  end();
});

test("so are those of the hosts file", async () => {
  const { dns, heard, log, start, pass, end } = setup();
  dns.files.set("/etc/hosts", "0.0.0.0 echo.prod\n0::0 echo.prod\n10.0.0.2 echo.prod\n");
  start();
  await pass(20_000);
  assert.deepEqual(heard, ["+ 10.0.0.2:50051"]);
  assert.equal(log.entries.length, 1);
  end();
});

test("an address that is passed over says nothing of the family that failed", async () => {
  const { echo, heard, start, pass, end } = setup();
  echo.a = ["10.0.0.1"];
  echo.aaaa = ["fd00::1"];
  start();
  await pass(0);
  echo.a = "ESERVFAIL";
  echo.aaaa = ["::"];
  await pass(6000);
  assert.equal(heard.filter((text) => text === "+").length, 0);
  end();
});
