/**
 * Replicas of `fairlead proxy` as real processes behind an L4 balancer that picks at random: a
 * replica is added, and load evens out without a failed call; one drains, one dies.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { seededRng } from "../../src/base/index.ts";
import { lognormalRates } from "../../src/proxy/nesting/fleet.fixture.ts";
import { freePorts, stopAll } from "../peers/processes.ts";
import { type L4Balancer, startL4 } from "../support/l4-balancer.ts";
import { SteadyClient } from "../support/steady-client.ts";
import { ask, type StartedProxy, startProxy, startUpstream, until } from "./harness.ts";

after(() => stopAll());

const SEED = Number(process.env.NESTING_SEED ?? Date.now() % 1_000_000);
const CLIENTS = 80;
const CALLS_PER_SECOND = 240;

interface Connections {
  readonly sheds: { at: string; ageMs: number; spreadBefore: number; spreadAfter: number }[];
  readonly peers: { address: string; state: string }[];
  readonly connections: { state: string; reason: string }[];
  readonly balance: { verdict: string; replicas: number };
}

async function connectionsOf({ admin }: StartedProxy): Promise<Connections> {
  return JSON.parse((await ask(admin, "/connections?format=json")).body);
}

/** The calls per second that reach each backend, by where its clients are. */
function loadsOf(l4: L4Balancer, clients: readonly SteadyClient[]): Map<string, number> {
  const loads = new Map(l4.backends.map((backend) => [backend, 0]));
  for (const client of clients) {
    const backend = l4.placed.get(client.port);
    if (backend !== undefined && loads.has(backend)) {
      loads.set(backend, loads.get(backend)! + client.rate);
    }
  }
  return loads;
}

function maxOverMean(l4: L4Balancer, clients: readonly SteadyClient[]): number {
  const loads = [...loadsOf(l4, clients).values()];
  const sum = clients.reduce((total, { rate }) => total + rate, 0);
  return (Math.max(...loads) * loads.length) / sum;
}

/** As `until` of the harness, for what takes longer. */
async function untilLate(what: string, seconds: number, look: () => Promise<boolean>) {
  for (let i = 0; i < seconds * 4; i += 1) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`not within ${seconds} seconds: ${what}; NESTING_SEED=${SEED}`);
}

test("a new replica gets its share, no call fails, and sheds stop", async (t) => {
  const upstream = await startUpstream("a");
  const ports = await freePorts(3);
  const peers = ports.map((port) => `127.0.0.1:${port}`).join(",");
  const start = (port: number, ...more: string[]): Promise<StartedProxy> => {
    const own = ["--peers", peers, "--peer-listen", `127.0.0.1:${port}`, ...more];
    return startProxy("--listen", "127.0.0.1:0", "--to", upstream.address, "--admin", "0", ...own);
  };
  // One of them with workers: what they have counts together, and they shed their own.
  const proxies = [await start(ports[0]!, "--workers", "2"), await start(ports[1]!)];
  const rng = seededRng(SEED);
  const l4 = await startL4(
    proxies.map(({ addresses }) => addresses[0]!),
    rng,
  );
  const rates = lognormalRates(CLIENTS, 0.7, CALLS_PER_SECOND / CLIENTS, 3, rng);
  const clients = rates.map((rate) => {
    const path = rng.next() < 0.2 ? "/slow" : "/echo.Echo/Say";
    return new SteadyClient(l4.address, rate, path, rng.next());
  });
  t.after(async () => {
    for (const client of clients) client.close();
    await l4.close();
    await upstream.close();
  });
  const failures = (): string[] => clients.flatMap((client) => client.failures);

  proxies.push(await start(ports[2]!));
  l4.backends = proxies.map(({ addresses }) => addresses[0]!);
  const sheds = async (): Promise<Connections["sheds"]> => {
    return (await Promise.all(proxies.map(connectionsOf))).flatMap((view) => view.sheds);
  };
  let quietMs = 0;
  await untilLate("even and at rest", 60, async () => {
    const last = Math.max(0, ...(await sheds()).map(({ at }) => Date.parse(at)));
    quietMs = last === 0 ? 0 : Date.now() - last;
    return quietMs > 4000 && maxOverMean(l4, clients) <= 1.2;
  });
  const all = await sheds();
  assert.ok(all.length > 0);
  for (const { ageMs, spreadBefore, spreadAfter } of all) {
    assert.ok(ageMs >= 10_000, "none is shed that is younger than 10 s");
    assert.ok(spreadAfter < spreadBefore, "each was to make the spread smaller");
  }
  const views = await Promise.all(proxies.map(connectionsOf));
  for (const { balance, peers: seen } of views) {
    assert.equal(balance.replicas, 3);
    assert.deepEqual(seen.map(({ state }) => state).sort(), ["ANSWERING", "ANSWERING", "SELF"]);
  }
  const text = (await ask(proxies[0]!.admin, "/connections")).body;
  assert.match(text, /^replica [0-9a-f]{32} {3}\w+$/m);
  assert.deepEqual(failures(), []);

  // One drains: its clients go elsewhere, and the others do not take it for one at rest.
  l4.backends = l4.backends.slice(1);
  assert.deepEqual(await proxies[0]!.process.stop(), { code: 0, signal: null });
  assert.deepEqual(failures(), []);
  await until("the others know", async () => {
    const rest = await Promise.all(proxies.slice(1).map(connectionsOf));
    return rest.every(({ balance }) => balance.replicas === 2);
  });
  for (const client of clients) client.stop();
  await until("all calls are over", () => clients.every(({ inFlight }) => inFlight === 0));
  assert.deepEqual(failures(), []);
  const good = clients.reduce((sum, client) => sum + client.good, 0);
  assert.ok(good > CALLS_PER_SECOND * 5);
  assert.equal(upstream.count(), good, "each call was executed once");
});
