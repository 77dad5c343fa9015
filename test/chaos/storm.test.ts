/**
 * The storm: many random calls of every kind from clients of three languages through `fairlead
 * proxy`, while servers are restarted and killed. Every answer carries its call's id: none may be
 * lost, crossed or hung, and nothing may be left behind.
 *
 * FAIRLEAD_STORM_CALLS sets the number of calls (default 60,000; over TLS a fifth of it); `npm run
 * storm` makes 200,000.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stopAll } from "../peers/processes.ts";
import { type Language, runStorm, type StormOptions, type StormSummary } from "../peers/storms.ts";
import { type CertificateFiles, writeCertificates } from "../support/certificates.ts";
import { Fleet, WatchedProxy } from "./fleet.ts";

const CALLS = Number(process.env.FAIRLEAD_STORM_CALLS ?? 60_000);
/** Who makes how large a share of them: grpc-go is the fastest by far. */
const SHARES: readonly (readonly [Language, number])[] = [
  ["go", 0.84],
  ["node", 0.1],
  ["python", 0.06],
];
const CONCURRENCY = 60;
/** Far above what the storm needs, far below what a leak of some bytes per call would give. */
const RSS_BYTES_MAX = 450 * 1024 * 1024;
/** Between one restart and the next. */
const PAUSE_MS = 500;
/** Calls of the tests beside the storm. */
const CALLS_BESIDE = 20_000;

after(() => stopAll());

type Storm = { readonly isGood: boolean; readonly summary: StormSummary } | null;

/** Storms in all languages at the same time. */
async function stormAll(
  t: Parameters<typeof runStorm>[0],
  calls: number,
  options: Omit<StormOptions, "calls">,
): Promise<Storm[]> {
  return Promise.all(
    SHARES.map(([language, share], i) =>
      runStorm(t, language, {
        concurrency: CONCURRENCY,
        connections: 4,
        boundSeconds: 90,
        ...options,
        seed: (options.seed ?? 0) + i,
        calls: Math.ceil(calls * share),
      }),
    ),
  );
}

/** Runs `body` and, until it has ended, `disturb` again and again with pauses. */
async function whileDisturbed<T>(body: Promise<T>, disturb: (round: number) => Promise<void>) {
  let isOver = false;
  const over = body.finally(() => {
    isOver = true;
  });
  over.catch(() => {}); // Seen below.
  for (let round = 0; ; round += 1) {
    await Promise.race([over.catch(() => {}), sleep(PAUSE_MS)]);
    if (isOver) return over;
    await disturb(round);
  }
}

/**
 * What holds even when servers are killed. A message that was cut in the middle is more than
 * UNAVAILABLE to grpc-go, whatever the trailers say: INTERNAL, "unexpected EOF".
 */
function assertNoneAstray(summary: StormSummary): void {
  const { lost, crossed, hung, isCutShort } = summary;
  const isCut = (detail: string) => /unexpected EOF/.test(detail);
  const others = summary.problems.filter(
    ({ outcome, detail }) => outcome !== "unavailable" && !isCut(detail),
  );
  assert.deepEqual(others, []);
  assert.deepEqual({ lost, crossed, hung, isCutShort }, NONE_ASTRAY);
}

const NONE_ASTRAY = { lost: 0, crossed: 0, hung: 0, isCutShort: false };

/** A seed of this run; printed, so that it can be run again. */
function newSeed(): number {
  return Number(process.env.FAIRLEAD_STORM_SEED ?? Date.now() % 1_000_000);
}

/** The storm, in plaintext or with TLS in front of the proxy and behind it. */
async function stormUnderKills(
  t: TestContext,
  wanted: number,
  tls: CertificateFiles | null,
): Promise<void> {
  const fleet = await Fleet.start(t, 4, tls);
  if (fleet === null) return;
  const proxy = await WatchedProxy.start(fleet.target, 4, ...tlsFlags(tls));
  const fdCount = proxy.fdCount;
  const seed = newSeed();
  t.diagnostic(`FAIRLEAD_STORM_SEED=${seed} FAIRLEAD_STORM_CALLS=${CALLS}`);
  const trust = tls === null ? {} : { caFile: tls.caFile };
  const options = { target: proxy.address, seed, isUnavailableAllowed: true, ...trust };
  const storms = await whileDisturbed(stormAll(t, wanted, options), (round) =>
    round % 2 === 0 ? fleet.kill(round % 4) : fleet.restart(round % 4),
  );
  let calls = 0;
  let broken = 0;
  for (const storm of storms) {
    if (storm === null) return;
    const { summary } = storm;
    t.diagnostic(JSON.stringify({ ...summary, problems: undefined }));
    assertNoneAstray(summary);
    calls += summary.calls;
    broken += summary.unavailable + summary.unexpected;
  }
  assert.ok(calls >= wanted, `${calls} calls`);
  assert.ok(fleet.restarts > 0 && fleet.kills > 0, "servers came and went");
  t.diagnostic(`${fleet.restarts} restarts, ${fleet.kills} kills, ${broken} calls broken off`);
  // Only what was in flight at a server that was killed may fail, or was too large to be repeated.
  const most = (fleet.kills + 1) * CONCURRENCY * SHARES.length;
  assert.ok(broken <= most, `${broken} broken off, ${most} expected at most`);
  await proxy.untilQuiet();
  assert.ok(proxy.fdCount <= fdCount + 2, `${proxy.fdCount} open files, ${fdCount} before`);
  assert.ok(proxy.rssBytes < RSS_BYTES_MAX, `${proxy.rssBytes} bytes of memory`);
  t.diagnostic(`RSS ${Math.round(proxy.rssBytes / 1024 / 1024)} MiB`);
  assert.deepEqual(await proxy.stop(), { code: 0, signal: null });
  await fleet.stop();
}

function tlsFlags(tls: CertificateFiles | null): string[] {
  if (tls === null) return [];
  const { caFile, certFile, keyFile } = tls;
  return ["--tls-cert", certFile, "--tls-key", keyFile, "--to-tls", "--to-ca", caFile];
}

test("a storm of calls of all kinds ends as planned, under restarts and kills", (t) =>
  stormUnderKills(t, CALLS, null));

test("a storm over TLS on both sides of the proxy ends as planned as well", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "fairlead-storm-"));
  t.after(() => rmSync(dir, { recursive: true }));
  await stormUnderKills(t, CALLS / 5, await writeCertificates(dir, ["127.0.0.1"]));
});

test("servers that restart gracefully fail no call", async (t) => {
  const fleet = await Fleet.start(t, 3);
  if (fleet === null) return;
  const proxy = await WatchedProxy.start(fleet.target, 3);
  // Bodies that are kept for a replay: what a server has not begun goes to another.
  const options = { target: proxy.address, seed: newSeed(), sizeMax: 4_000 };
  const storms = await whileDisturbed(stormAll(t, CALLS_BESIDE, options), (round) =>
    fleet.restart(round % 3),
  );
  for (const storm of storms) {
    if (storm === null) return;
    assert.ok(storm.isGood, JSON.stringify(storm.summary.problems, null, 1));
    assert.equal(storm.summary.unavailable, 0);
  }
  assert.ok(fleet.restarts > 0);
  const replays = await proxy.metric("fairlead_transparent_replays_total");
  t.diagnostic(`${fleet.restarts} restarts, ${replays} replays`);
  await proxy.untilQuiet();
  assert.deepEqual(await proxy.stop(), { code: 0, signal: null });
  await fleet.stop();
});

test("a server that is killed takes only its own calls with it", async (t) => {
  const fleet = await Fleet.start(t, 3);
  if (fleet === null) return;
  const proxy = await WatchedProxy.start(fleet.target, 3);
  const concurrency = 30;
  const storm = await whileDisturbed(
    runStorm(t, "go", {
      target: proxy.address,
      calls: CALLS_BESIDE,
      concurrency,
      seed: newSeed(),
      sizeMax: 4_000,
      isUnavailableAllowed: true,
    }),
    (round) => fleet.kill(round % 3),
  );
  if (storm === null) return;
  const { unavailable, unexpected, problems } = storm.summary;
  assertNoneAstray(storm.summary);
  assert.ok(fleet.kills > 0);
  t.diagnostic(`${fleet.kills} kills, ${unavailable} unavailable`);
  assert.ok(unavailable + unexpected <= fleet.kills * concurrency, `${unavailable} unavailable`);
  for (const { detail, outcome } of problems) {
    if (outcome === "unavailable") assert.match(detail, /fairlead: 127\.0\.0\.1:\d+: /);
  }
  await proxy.untilQuiet();
  assert.deepEqual(await proxy.stop(), { code: 0, signal: null });
  await fleet.stop();
});
