/**
 * The parts of the benchmark that reckon and read: statistics, h2load's report, options, verdicts;
 * and one short run of it against a real proxy.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseH2load } from "../../bench/loads/h2load.ts";
import { LOADS, selectLoads } from "../../bench/loads/index.ts";
import { lostRound, type Round } from "../../bench/measure.ts";
import { parseRelayArgs, UsageError } from "../../bench/options.ts";
import { custom } from "../../bench/proxies/index.ts";
import { type LoadRounds, loadTable, ratioSpread, verdicts } from "../../bench/report.ts";
import { percentile, spreadOf } from "../../bench/statistics.ts";
import { ABSOLUTE_TARGETS, FLATNESS_TARGETS, RATIO_TARGETS } from "../../bench/targets.ts";
import { requirePeer } from "./find.ts";
import { rootDir } from "./paths.ts";
import { runProcess } from "./processes.ts";

function round(cost: number, more: Partial<Round> = {}): Round {
  return { ...lostRound(""), cost, calls: 1000, disqualified: null, ...more };
}

function result(load: string, rounds: Record<string, Round[]>): LoadRounds {
  return { load, title: load, unit: "us/call", rounds };
}

test("a spread is the least, the middle and the greatest", () => {
  assert.deepEqual(spreadOf([3, 1, 2]), { min: 1, median: 2, max: 3 });
  assert.deepEqual(spreadOf([4, 1, 2, 3]), { min: 1, median: 2.5, max: 4 });
  assert.equal(spreadOf([]), null);
});

test("percentiles are of the nearest rank", () => {
  const hundred = Float64Array.from({ length: 100 }, (_, i) => i + 1);
  assert.equal(percentile(hundred, 0.5), 50);
  assert.equal(percentile(hundred, 0.99), 99);
  assert.equal(percentile([7], 0.99), 7);
  assert.equal(percentile([], 0.5), null);
});

const H2LOAD = `finished in 217.67ms, 459411.04 req/s, 56.10MB/s
requests: 1000 total, 1000 started, 999 done, 990 succeeded, 9 failed, 9 errored, 0 timeout
status codes: 980 2xx, 0 3xx, 10 4xx, 0 5xx
`;

test("h2load's report: only 2xx are calls, everything else that was asked for failed", () => {
  const sample = parseH2load(H2LOAD);
  assert.equal(sample.calls, 980);
  assert.equal(sample.failures, 20);
  assert.equal(sample.callsPerSecond, 459411.04);
  assert.throws(() => parseH2load("no such host"), /this is no report of h2load/);
});

test("options have defaults, and --quick leaves the results alone", () => {
  const usual = parseRelayArgs([]);
  assert.ok(typeof usual === "object" && usual.rounds >= 5 && usual.isWritten);
  const quick = parseRelayArgs(["--quick", "--only", "h2load-1x1,grpc*", "--peers", "none"]);
  assert.ok(typeof quick === "object" && !quick.isWritten);
  assert.deepEqual(quick.only, ["h2load-1x1", "grpc*"]);
  assert.deepEqual(quick.peers, []);
  assert.equal(parseRelayArgs(["--help"]), "help");
});

test("a bad option is a usage error that names it", () => {
  assert.throws(() => parseRelayArgs(["--rounds", "0"]), /--rounds 0: must be above 0/);
  assert.throws(() => parseRelayArgs(["--seconds", "soon"]), UsageError);
  assert.throws(() => parseRelayArgs(["--form", "deb"]), /dist, checkout or auto/);
  assert.throws(() => parseRelayArgs(["--hurry"]), UsageError);
  assert.throws(() => parseRelayArgs(["everything"]), UsageError);
  assert.throws(() => custom("nameless"), /must be NAME=COMMAND/);
});

test("loads are chosen by name or by the beginning of it", () => {
  assert.equal(selectLoads(null), LOADS);
  const names = selectLoads(["h2load-1*", "grpc-10x10"]).map((load) => load.name);
  assert.deepEqual(names, ["h2load-1x1", "h2load-10x10", "h2load-100x100", "grpc-10x10"]);
  assert.throws(() => selectLoads(["h2load-7x7"]), /no load h2load-7x7; known: h2load-1x1/);
});

test("every target speaks of a load that exists, and no two loads share a name", () => {
  const names = LOADS.map((load) => load.name);
  assert.equal(new Set(names).size, names.length);
  for (const target of [...RATIO_TARGETS, ...ABSOLUTE_TARGETS, ...FLATNESS_TARGETS]) {
    assert.ok(names.includes(target.load), target.load);
    if ("base" in target) assert.ok(names.includes(target.base), target.base);
  }
});

test("ratios are taken within a round, and a disqualified round counts nowhere", () => {
  const rounds = {
    fairlead: [round(5), round(10), round(9, { disqualified: "3 of 9 calls failed" })],
    haproxy: [round(10), round(40), round(1)],
  };
  const ratios = ratioSpread(result("h2load-10x10", rounds), "haproxy");
  assert.deepEqual(ratios, { min: 0.25, median: 0.375, max: 0.5 });
  const bad = { fairlead: [round(5)], haproxy: [lostRound("it ended")] };
  assert.equal(ratioSpread(result("h2load-10x10", bad), "haproxy"), null);
});

test("a verdict passes at the bound, fails above it, and says when nothing was measured", () => {
  const list = verdicts([
    result("h2load-10x10", { fairlead: [round(9)], haproxy: [round(10)], envoy: [round(20)] }),
    result("h2load-100x100", { fairlead: [round(3, { rssBytes: 150e6 })] }),
  ]);
  const isMet = (what: string) => list.find((each) => each.what === what)?.isMet;
  assert.equal(isMet("h2load-10x10: fairlead / haproxy"), true);
  assert.equal(isMet("h2load-10x10: fairlead / envoy"), false);
  assert.equal(isMet("h2load-10x10: fairlead / nghttpx"), null);
  assert.equal(isMet("h2load-100x100: RSS after it, MB"), false);
});

test("the table of a load shows why a proxy has no figures", () => {
  const rounds = { fairlead: [round(5)], nginx: [lostRound("7 of 9 calls failed")] };
  const table = loadTable(result("h2load-10x10", rounds));
  assert.match(table, /^\| fairlead \| 5\.00 \/ \*\*5\.00\*\* \/ 5\.00 \|/m);
  assert.match(table, /^\| nginx \| - .*0: 7 of 9 calls failed \|$/m);
  const columns = table.split("\n").map((line) => line.split("|").length);
  assert.equal(new Set(columns).size, 1, table);
});

/** A relay of bytes to the first upstream: enough of a proxy for one connection. */
const RELAY = `import net from "node:net";
const [listen, first] = process.argv.slice(2);
const [host, port] = listen.split(":");
const [upHost, upPort] = first.split(":");
net.createServer((socket) => {
  const up = net.connect(Number(upPort), upHost);
  socket.pipe(up).pipe(socket);
  for (const each of [socket, up]) each.on("error", () => { socket.destroy(); up.destroy(); });
}).listen(Number(port), host);
`;

test("a run measures a proxy's CPU per call", async (t) => {
  for (const name of ["h2load", "nghttpd"]) if (requirePeer(t, name) === null) return;
  const dir = mkdtempSync(join(tmpdir(), "fairlead-bench-test-"));
  const relay = join(dir, "relay.mjs");
  writeFileSync(relay, RELAY);
  const extra = `bytes=${process.execPath} ${relay} {listen} {upstreams}`;
  const args = ["--quick", "--rounds", "1", "--seconds", "0.3", "--only", "h2load-10x10"];
  const run = await runProcess(
    process.execPath,
    [join(rootDir, "bench/main.ts"), "relay", ...args, "--peers", "none", "--extra", extra],
    { timeoutMs: 60_000 },
  );
  rmSync(dir, { recursive: true });
  assert.equal(run.code, 0, run.stderr);
  const [, cost] = /round 1 +bytes +([\d.]+) us\/call/.exec(run.stdout) ?? [];
  assert.ok(Number(cost) > 0, run.stdout);
});

test("an unknown benchmark is told what there is, exit 2", async () => {
  const run = await runProcess(process.execPath, [join(rootDir, "bench/main.ts"), "realy"]);
  assert.equal(run.code, 2);
  assert.match(run.stderr, /unknown benchmark realy\nusage: npm run bench -- relay/);
});
