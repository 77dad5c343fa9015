/**
 * The client benchmark: what it reckons and writes down, and one short run of every client that is
 * here against real servers.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { findClient } from "../../bench/client/clients.ts";
import { CLIENT_LOADS, type LaneName } from "../../bench/client/loads.ts";
import { whyUneven } from "../../bench/client/measure.ts";
import { LANES, parseClientArgs } from "../../bench/client/options.ts";
import type { Plan, Report } from "../../bench/client/programs/plan.ts";
import {
  clientChapter,
  clientTable,
  clientVerdicts,
  type KeptClientLoad,
  type KeptFigure,
} from "../../bench/client/results.ts";
import { COST_TARGETS } from "../../bench/client/targets.ts";
import { lostRound, type Round } from "../../bench/measure.ts";
import { UsageError } from "../../bench/options.ts";
import { requirePeer } from "./find.ts";
import { rootDir } from "./paths.ts";
import { freePort, runProcess } from "./processes.ts";

function round(cost: number): Round {
  return { ...lostRound(""), cost, calls: 1000, p50Ms: 1, p99Ms: 2, disqualified: null };
}

function load(name: string, rounds: Record<string, Round[]>, date = "2026-01-02T03:04:05Z") {
  const setting = { date, machine: "one", node: "v24", versions: { "grpc-js": "1.14" } };
  return { kind: "load", name, seconds: 3, rounds, setting } satisfies KeptClientLoad;
}

test("options have defaults, choose by name, and --quick leaves the results alone", () => {
  const usual = parseClientArgs([]);
  assert.ok(usual !== "list" && usual.rounds >= 5 && usual.processes >= 10 && usual.isWritten);
  assert.deepEqual(usual.loads, CLIENT_LOADS);
  const args = ["--quick", "--only", "package,unary-10", "--clients", "grpc-go,grpc-js"];
  const quick = parseClientArgs(args);
  assert.ok(quick !== "list" && !quick.isWritten);
  assert.deepEqual(
    quick.loads.map(({ name }) => name),
    ["unary-10"],
  );
  assert.deepEqual(quick.figures, ["package"]);
  assert.deepEqual(quick.clients, ["grpc-js", "grpc-go"]);
  assert.equal(parseClientArgs(["--list"]), "list");
});

test("a bad option is a usage error that names it and what is allowed", () => {
  const refused = (args: string[], message: RegExp) =>
    assert.throws(
      () => parseClientArgs(args),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  refused(["--rounds", "1.5"], /--rounds 1\.5: must be a whole number above 0/);
  refused(["--seconds", "0"], /--seconds 0: must be above 0/);
  refused(["--only", "unary-7"], /--only unary-7: known are unary-1, .*package/);
  refused(["--clients", "curl"], /--clients curl: known are grpc-js, /);
  refused(["--form", "deb"], /dist, source or auto/);
  refused(["everything"], /unexpected argument everything/);
});

test("every target speaks of a load, and of clients that the load measures", () => {
  for (const { load: name, client, peer } of COST_TARGETS) {
    const lanes: readonly LaneName[] = CLIENT_LOADS.find((each) => each.name === name)?.lanes ?? [];
    assert.ok(lanes.includes(client) && lanes.includes(peer), `${name}: ${client} / ${peer}`);
  }
});

test("a verdict passes at the bound, fails above it, and says when nothing was measured", () => {
  const figure = { name: "import-ms", title: "import", unit: "ms", values: [20, 40, 24] };
  const { setting } = load("", {});
  const list = clientVerdicts([
    load("unary-10", { "grpc-js": [round(100), round(100)], "fairlead-stub": [round(25)] }),
    load("unary-100", { "grpc-js": [round(100)], "fairlead-stub": [round(21)] }),
    { kind: "figure", ...figure, setting } satisfies KeptFigure,
  ]);
  const isMet = (what: string) => list.find((each) => each.what === what)?.isMet;
  assert.equal(isMet("unary-10: fairlead-stub / grpc-js"), true);
  assert.equal(isMet("unary-100: fairlead-stub / grpc-js"), false);
  assert.equal(isMet("unary-100: fairlead-plain / grpc-go"), null);
  assert.equal(isMet("import"), true);
  assert.equal(isMet("package-size"), null);
});

test("a client's row has its ratios, and a client without figures the reason", () => {
  const text = clientTable(
    load("unary-10", {
      "grpc-js": [round(100)],
      "grpc-go": [round(20)],
      "fairlead-plain": [lostRound("2 calls failed: a|b")],
    }),
  );
  assert.match(text, /^\| grpc-go \| [^|]+ \| 0\.200 \/ \*\*0\.200\*\* \/ 0\.200 \| {2}\|/m);
  assert.match(text, /^\| fairlead-plain \| - .*0 of 1: 2 calls failed: a\/b \|$/m);
  const columns = text.split("\n").map((line) => line.split("|").length);
  assert.equal(new Set(columns).size, 1, text);
});

test("each load is shown with its own date", () => {
  const text = clientChapter([
    load("unary-1", { "grpc-js": [round(5)] }),
    load("unary-10", { "grpc-js": [round(5)] }, "2026-05-06T07:08:09Z"),
  ]);
  assert.match(text, /^`unary-1`, 3\.00 s a round, 2026-01-02 03:04 UTC, one, Node v24/m);
  assert.match(text, /^`unary-10`, 3\.00 s a round, 2026-05-06 07:08 UTC/m);
  assert.equal(clientChapter([]), "");
});

test("a client that leaves a server out does not count", () => {
  assert.equal(whyUneven([300, 310, 290], 10), null);
  assert.equal(whyUneven([900, 0, 0], 10), "servers got 900, 0, 0 calls");
  assert.equal(whyUneven([200, 10, 10], 100), null); // The first hundred went to the first.
  assert.equal(whyUneven([900], 100), null);
});

test("calls that fail are counted with their status, and end", async () => {
  const client = findClient("grpc-js", "auto");
  assert.ok("command" in client);
  const addresses = [`127.0.0.1:${await freePort()}`];
  const times = { warmUpSeconds: 0.1, seconds: 0.1 };
  const plan: Plan = {
    ...{ addresses, shape: "unary", inFlight: 3, metadata: "real", sleepMs: 0, ...times },
    ...{ pool: 1, entries: {} },
  };
  const [path, ...args] = client.command(plan);
  const run = await runProcess(path, args, { timeoutMs: 20_000 });
  const report = JSON.parse(run.stdout) as Report;
  assert.equal(report.calls, 0);
  assert.ok(report.failures > 0);
  assert.match(report.errors["14"] as string, /UNAVAILABLE/);
});

test("a run measures every client that is here, and names those that are not", async (t) => {
  for (const name of ["echo-server", "load-client"]) if (requirePeer(t, name) === null) return;
  const times = ["--quick", "--rounds", "1", "--seconds", "0.2", "--warm-up", "0.3"];
  const run = await runProcess(
    process.execPath,
    [
      ...[join(rootDir, "bench", "main.ts"), "client", ...times],
      ...["--only", "unary-10,streams-10"],
    ],
    { timeoutMs: 120_000 },
  );
  assert.equal(run.code, 0, run.stderr);
  for (const name of LANES) {
    if ("missing" in findClient(name, "auto")) {
      assert.match(run.stdout, new RegExp(`^bench: ${name} is missing: `, "m"));
      continue;
    }
    if (name === "fairlead-pool-4") continue; // It has a load of its own.
    for (const unit of ["call", "message"]) {
      const line = new RegExp(`^ +round 1 +${name} +([\\d.]+) us/${unit} `, "m");
      assert.ok(Number(line.exec(run.stdout)?.[1]) > 0, run.stdout);
    }
  }
});
