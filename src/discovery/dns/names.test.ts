/** Tests of sharing: one name is one client of the DNS server, however many resolvers want it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createResolver, type Resolver } from "../index.ts";
import { setup, TARGET } from "./fake-dns-suite.ts";

/** Started resolvers for a target, and how many sets each was given. */
function startMany(target: string, count: number, deps: ReturnType<typeof setup>["deps"]) {
  const sets = new Array<number>(count).fill(0);
  const resolvers: Resolver[] = sets.map((_, i) => {
    const resolver = createResolver(target, deps);
    resolver.start({
      onEndpoints: () => {
        sets[i] += 1;
      },
      onError: () => {},
    });
    return resolver;
  });
  return { resolvers, sets };
}

test("a thousand channels to one name share one lookup at a time and one timer", async () => {
  const { clock, dns, deps, echo, names, pass } = setup();
  echo.a = ["10.0.0.1"];
  const { resolvers, sets } = startMany(TARGET, 500, deps);
  const others = startMany("dns:///echo.prod:50052", 500, deps); // another port, the same name
  await pass(0);
  assert.equal(dns.asked.length, 2, "A and AAAA");
  assert.equal(clock.pendingCount, 1);
  assert.equal(names.size, 1);
  for (const resolver of [...resolvers, ...others.resolvers]) resolver.resolveNow();
  await pass(1000);
  assert.equal(dns.asked.length, 4);
  echo.a = ["10.0.0.2"];
  await pass(5000);
  assert.equal(dns.asked.length, 6);
  assert.ok([...sets, ...others.sets].every((count) => count === 2));
  for (const resolver of [...resolvers, ...others.resolvers]) resolver.close();
  assert.equal(clock.pendingCount, 0);
  assert.equal(names.size, 0);
});

test("who comes later is told at once, and asks nothing", async () => {
  const { dns, deps, echo, heard, start, pass, end } = setup();
  echo.a = ["10.0.0.1"];
  const { resolvers } = startMany(TARGET, 1, deps);
  await pass(2000);
  start();
  assert.deepEqual(heard, ["+ 10.0.0.1:50051"]);
  assert.equal(dns.asked.length, 2);
  resolvers[0].close();
  echo.a = ["10.0.0.2"];
  await pass(3000);
  assert.deepEqual(heard.slice(1), ["+ 10.0.0.2:50051"], "one that goes leaves the other alone");
  end();
});

test("who comes while the source is away is told what is known, and that it is old", async () => {
  const { deps, echo, heard, start, pass, end } = setup();
  echo.a = ["10.0.0.1"];
  const { resolvers } = startMany(TARGET, 1, deps);
  await pass(0);
  echo.a = "ESERVFAIL";
  await pass(5000);
  start();
  assert.deepEqual(heard, [
    "+ 10.0.0.1:50051",
    "! lookup of echo.prod: SERVFAIL: the DNS server could not answer",
  ]);
  resolvers[0].close();
  end();
});

test("another server, port name or interval is another question", async () => {
  const { names, deps, pass } = setup();
  const targets = [TARGET, "dns://10.0.0.1/echo.prod:1", "dns:///echo.prod:grpc"];
  const resolvers = targets.map((target) => createResolver(target, deps));
  resolvers.push(createResolver(TARGET, { ...deps, dnsPollMs: 7000 }));
  for (const resolver of resolvers) resolver.start({ onEndpoints() {}, onError() {} });
  await pass(0);
  assert.equal(names.size, 4);
  for (const resolver of resolvers) resolver.close();
  assert.equal(names.size, 0);
});

test("a listener may close itself, and all others, from within", async () => {
  const { clock, deps, echo, names, pass } = setup();
  echo.a = ["10.0.0.1"];
  const resolvers: Resolver[] = [];
  let told = 0;
  for (let i = 0; i < 3; i += 1) {
    const resolver = createResolver(TARGET, deps);
    resolvers.push(resolver);
    resolver.start({
      onEndpoints: () => {
        told += 1;
        for (const each of resolvers) each.close();
      },
      onError: assert.fail,
    });
  }
  await pass(0);
  assert.equal(told, 1);
  assert.equal(clock.pendingCount, 0);
  assert.equal(names.size, 0);
});

test("a resolver that is closed from within its start stays closed", async () => {
  const { deps, dns, echo, names, pass, resolver } = setup();
  echo.a = ["10.0.0.1"];
  const first = startMany(TARGET, 1, deps).resolvers[0];
  await pass(0);
  resolver.start({ onEndpoints: () => resolver.close(), onError: assert.fail });
  resolver.resolveNow();
  await pass(2000);
  assert.equal(dns.asked.length, 2, "it asks no more, not even for the others");
  first.close();
  assert.equal(names.size, 0);
});

test("a name that is wanted again after all had left is asked again", async () => {
  const { dns, deps, echo, pass } = setup();
  echo.a = ["10.0.0.1"];
  for (let i = 1; i <= 2; i += 1) {
    const { resolvers, sets } = startMany(TARGET, 1, deps);
    await pass(100);
    assert.deepEqual(sets, [1]);
    resolvers[0].close();
    resolvers[0].close();
    assert.equal(dns.asked.length, 2 * i);
  }
});
