/**
 * Property test: whatever DNS says in whatever order, the set is made of what was said, is empty
 * only when DNS said so, and ends where the last answers are.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRng } from "../../base/index.ts";
import { type FakeName, type Say, setup } from "./fake-dns-suite.ts";

/** What "echo.prod" may stand for, in order. */
const NAMES = ["echo.prod.a", "echo.prod.b", "echo.prod"];
const RESOLV_CONF = "nameserver 10.0.0.53\nsearch a b\noptions ndots:5\n";
const FAILURES = ["ESERVFAIL", "EREFUSED", "ETIMEOUT", "ECONNREFUSED"];

const failure = fc.constantFrom(...FAILURES);
const nothing = fc.constantFrom("ENOTFOUND", "ENODATA");
const addresses = (prefix: string) =>
  fc
    .uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 })
    .map((numbers) => numbers.map((number) => `${prefix}${number}`));
const say = (prefix: string): fc.Arbitrary<Say<string>> =>
  fc.oneof(addresses(prefix), nothing, failure);

/** One change: what one name says from now on, and how long until the next change. */
const change = fc.integer({ min: 0, max: NAMES.length - 1 }).chain((at) =>
  fc.record({
    at: fc.constant(at),
    a: say(`10.0.${at}.`),
    aaaa: say(`fd00::${at}:`),
    waitMs: fc.integer({ min: 0, max: 12_000 }),
    isRefreshed: fc.boolean(),
  }),
);

const isNothing = (said: Say<string>) => said === "ENOTFOUND" || said === "ENODATA";
const isSaidEmpty = ({ a, aaaa }: FakeName) => isNothing(a) && isNothing(aaaa);
const isFailing = ({ a, aaaa }: FakeName) =>
  [a, aaaa].every((each) => typeof each === "string" && FAILURES.includes(each));

test("any history of answers and failures", async () => {
  const property = fc.asyncProperty(fc.array(change, { maxLength: 20 }), async (history) => {
    const { dns, resolver, heard, sets, start, pass, end } = setup({ rng: seededRng(7) });
    dns.files.set("/etc/resolv.conf", RESOLV_CONF);
    for (const name of NAMES) Object.assign(dns.name(name), { a: "ENOTFOUND", aaaa: "ENOTFOUND" });
    const said = new Set<string>();
    start();
    for (const { at, a, aaaa, waitMs, isRefreshed } of history) {
      Object.assign(dns.name(NAMES[at]), { a, aaaa });
      for (const each of [a, aaaa]) if (Array.isArray(each)) for (const ip of each) said.add(ip);
      const before = sets.length;
      if (isRefreshed) resolver.resolveNow();
      await pass(waitMs);
      for (const { endpoints } of sets.slice(before)) {
        for (const { address } of endpoints) {
          const ip = address.replace(/:\d+$/, "").replace(/[[\]]/g, "");
          assert.ok(said.has(ip), `${ip} was never said`);
        }
        // Nothing changes within the wait, so that what is said now is what was said then.
        const isSaid = NAMES.some((name) => isSaidEmpty(dns.name(name)));
        assert.ok(endpoints.length > 0 || isSaid, "empty although nobody said so");
      }
      const isAway = NAMES.every((name) => isFailing(dns.name(name)));
      if (isAway) {
        await pass(6000);
        assert.match(heard.at(-1) ?? "", /^! /, "an outage is told");
      }
    }
    // In the end one name has addresses, and all others say that they have none.
    for (const name of NAMES) Object.assign(dns.name(name), { a: "ENOTFOUND", aaaa: "ENOTFOUND" });
    dns.name(NAMES[1]).a = ["10.1.1.1"];
    await pass(40_000);
    assert.equal(heard.at(-1), "+ 10.1.1.1:50051");
    end();
  });
  await fc.assert(property, { numRuns: 300 });
});

test("a set never empties while every answer is a failure", async () => {
  const outage = fc.array(fc.record({ a: failure, aaaa: failure }), {
    minLength: 1,
    maxLength: 30,
  });
  const property = fc.asyncProperty(outage, fc.boolean(), async (history, isDual) => {
    const { echo, heard, sets, start, pass, end } = setup();
    echo.a = ["10.0.0.1"];
    if (isDual) echo.aaaa = ["fd00::1"];
    start();
    await pass(0);
    for (const failures of history) {
      Object.assign(echo, failures);
      await pass(20_000);
    }
    assert.equal(sets.length, 1, "ten minutes or more, and nothing was lost");
    assert.match(heard.at(-1) ?? "", /^! lookup of echo\.prod: /);
    end();
  });
  await fc.assert(property, { numRuns: 100 });
});
