/**
 * Tests of where the pictures go, with a virtual clock and made-up labs.
 */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { VirtualClock } from "../../base/index.ts";
import { labFixture, laneFixture } from "../fixtures.ts";
import { labReport } from "../report.ts";
import { finalOutput, type LabStdout, liveOutput, scrollingOutput } from "./output.ts";

const PLAIN = { hasColour: false, hasUnicode: true };
const EVENT = { atMs: 5, event: "slow=a", isOutcome: false, pod: "a", text: "a slow x10" };
const LAB = labFixture([laneFixture("static", [1, 1])], { events: [{ ...EVENT, column: 0 }] });

function recorder(rows = 24): LabStdout & { readonly writes: string[] } {
  const writes: string[] = [];
  const write = (text: string) => writes.push(text);
  return Object.assign(new EventEmitter(), { writes, write, columns: 80, rows });
}

test("a pipe gets a table every 5 s and a last one, without escape codes", () => {
  const clock = new VirtualClock();
  const stdout = recorder();
  const output = scrollingOutput(stdout, PLAIN, clock);
  for (let half = 0; half < 21; half += 1) {
    output.update(LAB);
    clock.advance(500);
  }
  assert.equal(stdout.writes.length, 2);
  output.finish(LAB);
  assert.equal(stdout.writes.length, 3);
  assert.ok(!stdout.writes.join("").includes("\x1b"));
  assert.equal(clock.pendingCount, 0);
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
