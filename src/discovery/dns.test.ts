/** Tests of the DNS resolver: when it asks, what it tells, and what it keeps. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordingLogger, type Rng, seededRng, VirtualClock } from "../base/index.ts";
import type { DnsAnswer, DnsFamily, DnsLookup } from "./dns.ts";
import { createResolver, type EndpointSet } from "./index.ts";

const TARGET = "dns:///echo.prod:50051";
/** Chance that makes no jitter. */
const STEADY: Rng = { next: () => 0.5, int: () => 0 };

/** What the fake DNS says of one family: addresses, or the code of an error; null never answers. */
type Say = readonly string[] | string | null;

/** A DNS that answers as told, and counts the questions that are open. */
class FakeDns implements DnsLookup {
  a: Say = [];
  aaaa: Say = "ENODATA";
  ttlMs: number | null = null;
  asked: string[] = [];
  openCount = 0;
  openMax = 0;
  readonly #waiting: (() => void)[] = [];

  async lookup(host: string, family: DnsFamily, server: string | null): Promise<DnsAnswer> {
    if (family === 4) this.asked.push(server === null ? host : `${host} via ${server}`);
    this.openCount += 1;
    this.openMax = Math.max(this.openMax, this.openCount);
    if ((family === 4 ? this.a : this.aaaa) === null) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.openCount -= 1;
    const say = family === 4 ? this.a : this.aaaa;
    if (typeof say === "string") throw Object.assign(new Error(`query ${say}`), { code: say });
    return { addresses: say ?? [], ttlMs: this.ttlMs };
  }

  /** Lets the questions go on that were asked while the answer was null. */
  release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** A resolver on virtual time, and what its listener heard: "+ addresses" or "! reason". */
function setup(options: { target?: string; rng?: Rng; dnsPollMs?: number } = {}) {
  const clock = new VirtualClock();
  const dns = new FakeDns();
  const log = new RecordingLogger();
  const heard: string[] = [];
  const sets: EndpointSet[] = [];
  const resolver = createResolver(options.target ?? TARGET, {
    clock,
    dns,
    log,
    rng: options.rng ?? STEADY,
    dnsPollMs: options.dnsPollMs,
  });
  const start = () =>
    resolver.start({
      onEndpoints: (set) => {
        sets.push(set);
        heard.push(`+ ${set.endpoints.map(({ address }) => address).join(" ")}`.trimEnd());
      },
      onError: (reason) => heard.push(`! ${reason}`),
    });
  /** Moves time on from timer to timer, with the promises in between settled. */
  const pass = async (ms: number) => {
    const endMs = clock.nowMs() + ms;
    await settled();
    while (clock.nowMs() < endMs || clock.nextDueMs <= endMs) {
      clock.advance(Math.min(clock.nextDueMs, endMs) - clock.nowMs());
      await settled();
    }
  };
  const end = () => {
    resolver.close();
    resolver.close();
    assert.equal(clock.pendingCount, 0);
    assert.ok(dns.openMax <= 2, "one lookup at a time, of two families");
  };
  return { clock, dns, log, heard, sets, resolver, start, pass, end };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("both families make one set, sorted, with the target's port", async () => {
  const { dns, heard, sets, start, pass, end } = setup();
  dns.a = ["10.0.0.2", "10.0.0.1", "10.0.0.2"];
  dns.aaaa = ["fd00::1"];
  start();
  await pass(0);
  assert.deepEqual(heard, ["+ 10.0.0.1:50051 10.0.0.2:50051 [fd00::1]:50051"]);
  assert.equal(sets[0].endpoints[0].source, "dns");
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
  const { dns, heard, start, pass, end } = setup();
  dns.a = ["10.0.0.1"];
  start();
  await pass(4900);
  assert.equal(dns.asked.length, 1);
  await pass(100);
  assert.equal(dns.asked.length, 2);
  dns.a = ["10.0.0.1", "10.0.0.2"];
  await pass(5000);
  assert.deepEqual(dns.asked, ["echo.prod", "echo.prod", "echo.prod"]);
  assert.deepEqual(heard, ["+ 10.0.0.1:50051", "+ 10.0.0.1:50051 10.0.0.2:50051"]);
  end();
});

test("jitter spreads the polls by a tenth either way", async () => {
  const { clock, dns, start, pass, end } = setup({ rng: seededRng(1), dnsPollMs: 10_000 });
  const times: number[] = [];
  const lookup = dns.lookup.bind(dns);
  dns.lookup = (host, family, server) => {
    if (family === 4) times.push(clock.nowMs());
    return lookup(host, family, server);
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
    const { dns, start, pass, end } = setup(dnsPollMs === undefined ? {} : { dnsPollMs });
    dns.ttlMs = ttlMs;
    dns.a = ["10.0.0.1"];
    start();
    await pass(wantMs - 100);
    assert.equal(dns.asked.length, 1, `${ttlMs} ${dnsPollMs}`);
    await pass(100);
    assert.equal(dns.asked.length, 2, `${ttlMs} ${dnsPollMs}`);
    end();
  }
});

test("a failed lookup is repeated after 5 s, however long the last TTL was", async () => {
  const { dns, start, pass, end } = setup();
  dns.ttlMs = 30_000;
  dns.a = "ESERVFAIL";
  dns.aaaa = "ESERVFAIL";
  start();
  await pass(5000);
  assert.equal(dns.asked.length, 2);
  end();
});

test("NXDOMAIN and NODATA are an empty set that says why, told and logged once", async () => {
  for (const code of ["ENOTFOUND", "ENODATA"]) {
    const { dns, heard, sets, log, start, pass, end } = setup();
    dns.a = code;
    dns.aaaa = code;
    start();
    await pass(20_000);
    assert.deepEqual(heard, ["+"]);
    assert.match(sets[0].reason ?? "", /^echo\.prod has no addresses in DNS/);
    assert.deepEqual(log.lines, ["warn: name has no addresses"]);
    assert.equal(log.entries[0].fields.target, TARGET);
    end();
  }
});

test("a name that had addresses and has none any more empties the set", async () => {
  const { dns, heard, start, pass, end } = setup();
  dns.a = ["10.0.0.1"];
  start();
  await pass(0);
  dns.a = "ENOTFOUND";
  await pass(5000);
  dns.a = ["10.0.0.1"];
  await pass(5000);
  assert.deepEqual(heard, ["+ 10.0.0.1:50051", "+", "+ 10.0.0.1:50051"]);
  end();
});

test("SERVFAIL and time-outs keep the last good set; the source's return is told", async () => {
  const { dns, heard, log, start, pass, end } = setup();
  dns.a = ["10.0.0.1"];
  start();
  await pass(0);
  dns.a = "ESERVFAIL";
  dns.aaaa = "ESERVFAIL";
  await pass(15_000);
  dns.a = "ETIMEOUT";
  await pass(5000);
  dns.a = ["10.0.0.1"];
  dns.aaaa = "ENODATA";
  await pass(10_000);
  assert.deepEqual(heard, [
    "+ 10.0.0.1:50051",
    "! lookup of echo.prod: SERVFAIL: the DNS server could not answer",
    "! lookup of echo.prod: time-out: the DNS server does not answer",
    "+ 10.0.0.1:50051",
  ]);
  assert.equal(log.lines.filter((line) => line === "warn: lookup failed").length, 2);
  end();
});

test("an unknown failure is told in the words of its error", async () => {
  const { dns, heard, start, pass, end } = setup();
  dns.a = "EWEIRD";
  start();
  await pass(0);
  assert.deepEqual(heard, ["! lookup of echo.prod: query EWEIRD"]);
  end();
});

test("one family that fails does not hide the other, and keeps its own last answer", async () => {
  const { dns, heard, log, start, pass, end } = setup();
  dns.a = ["10.0.0.1"];
  dns.aaaa = "ESERVFAIL";
  start();
  await pass(10_000);
  dns.aaaa = ["fd00::1"];
  await pass(5000);
  dns.aaaa = "ETIMEOUT";
  dns.a = ["10.0.0.2"];
  await pass(5000);
  dns.aaaa = ["fd00::2"];
  dns.a = "ETIMEOUT";
  await pass(5000);
  assert.deepEqual(heard, [
    "+ 10.0.0.1:50051",
    "+ 10.0.0.1:50051 [fd00::1]:50051",
    "+ 10.0.0.2:50051 [fd00::1]:50051",
    "+ 10.0.0.2:50051 [fd00::2]:50051",
  ]);
  assert.deepEqual(
    log.lines.filter((line) => line.startsWith("warn")),
    ["warn: lookup failed in part", "warn: lookup failed in part"],
  );
  end();
});

test("no records of one family and a failure of the other is no empty set", async () => {
  const { dns, heard, start, pass, end } = setup();
  dns.a = ["10.0.0.1"];
  start();
  await pass(0);
  dns.a = "ENOTFOUND";
  dns.aaaa = "ESERVFAIL";
  await pass(5000);
  assert.deepEqual(heard.slice(1), [
    "! lookup of echo.prod: SERVFAIL: the DNS server could not answer",
  ]);
  end();
});

test("resolveNow asks at once, but not within a second of the last lookup", async () => {
  const { dns, resolver, start, pass, end } = setup();
  dns.a = ["10.0.0.1"];
  start();
  await pass(100);
  for (let i = 0; i < 50; i += 1) resolver.resolveNow();
  await pass(800);
  assert.equal(dns.asked.length, 1);
  await pass(100);
  assert.equal(dns.asked.length, 2);
  await pass(2000);
  resolver.resolveNow();
  await pass(100);
  assert.equal(dns.asked.length, 3);
  await pass(4800);
  assert.equal(dns.asked.length, 3, "the poll begins anew");
  await pass(100);
  assert.equal(dns.asked.length, 4);
  end();
});

test("lookups never overlap: resolveNow during one asks again after it", async () => {
  const { dns, heard, resolver, start, pass, end } = setup();
  dns.a = null;
  start();
  await pass(3000);
  resolver.resolveNow();
  resolver.resolveNow();
  await pass(3000);
  assert.equal(dns.asked.length, 1);
  dns.a = ["10.0.0.1"];
  dns.release();
  await pass(100);
  assert.equal(dns.asked.length, 2);
  await pass(4800);
  assert.equal(dns.asked.length, 2);
  assert.deepEqual(heard, ["+ 10.0.0.1:50051"]);
  end();
});

test("a lookup that hangs is told after 10 s, and its late answer still counts", async () => {
  const { dns, heard, start, pass, end } = setup();
  dns.a = null;
  start();
  await pass(9900);
  assert.deepEqual(heard, []);
  await pass(60_000);
  assert.deepEqual(heard, ["! lookup of echo.prod: no answer within 10 s"]);
  assert.equal(dns.asked.length, 1);
  dns.a = ["10.0.0.1"];
  dns.release();
  await pass(0);
  assert.deepEqual(heard.slice(1), ["+ 10.0.0.1:50051"]);
  end();
});

test("after close nothing is asked, told or pending, even with a lookup under way", async () => {
  const { clock, dns, heard, resolver, start, pass, end } = setup();
  dns.a = null;
  start();
  await pass(100);
  resolver.close();
  assert.equal(clock.pendingCount, 0);
  dns.a = ["10.0.0.1"];
  dns.release();
  resolver.resolveNow();
  await pass(30_000);
  assert.deepEqual(heard, []);
  assert.equal(dns.asked.length, 1);
  end();
});

test("a listener may close the resolver from within", async () => {
  const { clock, dns, resolver, end } = setup();
  dns.a = ["10.0.0.1"];
  resolver.start({ onEndpoints: () => resolver.close(), onError: assert.fail });
  await settled();
  assert.equal(clock.pendingCount, 0);
  end();
});

test("the server of the target is the one that is asked", async () => {
  const { dns, start, pass, end } = setup({ target: "dns://10.96.0.10/echo:1" });
  start();
  await pass(0);
  assert.deepEqual(dns.asked, ["echo via 10.96.0.10:53"]);
  end();
});
