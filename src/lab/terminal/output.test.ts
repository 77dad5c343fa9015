/**
 * Tests of where the pictures go, with a virtual clock and made-up labs.
 */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { VirtualClock } from "../../base/index.ts";
import { labFixture, laneFixture } from "../fixtures.ts";
import { labReport } from "../report.ts";
import { finalOutput, type LabStdout, liveOutput, onceOutput, scrollingOutput } from "./output.ts";

const PLAIN = { hasColour: false, hasUnicode: true };
const EVENT = { atMs: 5, event: "slow=a", isOutcome: false, pod: "a", text: "a slow x10" };
const LAB = labFixture([laneFixture("static", [1, 1])], { events: [{ ...EVENT, column: 0 }] });

function recorder(rows = 24): LabStdout & { readonly writes: string[] } {
  const writes: string[] = [];
  const write = (text: string) => writes.push(text);
  return Object.assign(new EventEmitter(), { writes, write, columns: 80, rows });
}

test("a pipe gets lines on what goes on and a table in the end, without escape codes", () => {
  const clock = new VirtualClock();
  const stdout = recorder();
  const output = scrollingOutput(stdout, PLAIN, clock);
  const start = { ...LAB, events: [], elapsedMs: 0 };
  for (const serve of [0, 1, 2]) {
    output.update({ ...start, progress: `starting 2 pods: ${serve} serve` });
    clock.advance(600);
  }
  clock.advance(500);
  const later = {
    atMs: 7000,
    column: 14,
    event: "heal=a",
    isOutcome: false,
    pod: "a",
    text: "a healed",
  };
  for (let elapsedMs = 0; elapsedMs <= 10_500; elapsedMs += 500) {
    output.update({
      ...LAB,
      elapsedMs,
      events: elapsedMs < 7000 ? LAB.events : [...LAB.events, later],
    });
    clock.advance(500);
  }
  assert.deepEqual(stdout.writes.splice(0).join("").split("\n"), [
    "starting 2 pods: 0 serve",
    "starting 2 pods: 2 serve",
    "ready after 2.3 s",
    "00:00 a slow x10",
    "00:05 static ✓ even",
    "00:07 a healed",
    "00:10 static ✓ even",
    "",
  ]);
  // The load begins anew after a reset.
  output.update({ ...LAB, elapsedMs: 300, events: [] });
  output.update({ ...LAB, elapsedMs: 5300, events: [] });
  assert.deepEqual(stdout.writes.splice(0), ["00:05 static ✓ even\n"]);
  output.finish(LAB);
  const last = stdout.writes.join("");
  assert.match(last, /^echo-1 +█/m);
  assert.match(last, /^✓ static {2}2 of 2 pods used evenly/m);
  assert.ok(!last.includes("\x1b"));
  assert.equal(clock.pendingCount, 0);
});

test("before the end of --once a terminal has one line, which is gone then", () => {
  const stdout = recorder();
  let endMs: number | null = null;
  const output = onceOutput(
    stdout,
    PLAIN,
    () => endMs,
    () => "the table\n",
  );
  output.update({ ...LAB, progress: "starting 2 pods" });
  assert.ok(stdout.writes.at(-1)!.includes("starting 2 pods\r\n"));
  output.update({ ...LAB, elapsedMs: 3000 });
  assert.ok(stdout.writes.at(-1)!.includes("\x1b[2K00:03  ✓ static\r\n"), "no end is known");
  endMs = 10_000;
  output.update({ ...LAB, elapsedMs: 4000 });
  assert.ok(stdout.writes.at(-1)!.includes("\x1b[1A\x1b[2K00:04 of 00:10  ✓ static\r\n"));
  output.finish(LAB);
  assert.equal(stdout.writes.at(-1), "the table\n");
  assert.ok(stdout.writes.at(-3)!.includes("\x1b[1A\x1b[J"), "the line is erased");
  assert.ok(stdout.writes.at(-2)!.includes("\x1b[?25h"), "the cursor is shown");
});

test("a low terminal gets fewer lines than it has rows", () => {
  const stdout = recorder(6);
  const output = liveOutput(stdout, PLAIN);
  output.update(LAB);
  const lines = stdout.writes.at(-1)!.split("\r\n").length - 1;
  assert.ok(lines <= 5, `${lines} lines`);
  output.close();
});

test("JSON comes once, at the end, with the keys of the contract", () => {
  const stdout = recorder();
  const output = finalOutput(stdout, ({ lanes, load, events }) =>
    JSON.stringify(labReport({ pods: 2, seconds: 9.999, events, load, lanes })),
  );
  output.update(LAB);
  assert.equal(stdout.writes.length, 0);
  output.finish(LAB);
  assert.deepEqual(JSON.parse(stdout.writes.join("")), {
    pods: 2,
    seconds: 10,
    events: [EVENT],
    load: {
      ...{ callsPerSecond: 300, inFlight: 10, policy: "weighted_round_robin" },
      ...{ heldBackTo: null, overheadCpu: 0.1 },
    },
    lanes: [
      {
        name: "static",
        title: "The static lane",
        verdict: "2 of 2 pods used evenly: a connection to each pod, calls in turn",
        kind: "good",
        podsUsed: 2,
        maxOverMean: 1,
        fairness: 1,
        calls: 2,
        failed: 0,
        p50Ms: 1.003,
        p99Ms: 1.003,
        connections: 1,
        ...{ firstCallOfNewPodMs: null, newPodWaitsMs: null },
        perPod: { "echo-1": 1, "echo-2": 1 },
        steps: [{ pods: 2, podsUsed: 2, maxOverMean: 1, fairness: 1, answered: 2 }],
        effects: [
          {
            event: "start",
            atMs: 0,
            pod: null,
            podShare: null,
            calls: 2,
            failed: 0,
            p50Ms: 1.003,
            p99Ms: 1.003,
          },
        ],
        replicas: null,
        failure: null,
      },
    ],
  });
});
