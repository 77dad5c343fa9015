/** What benchmarks write down: each result with the setting that it was measured in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ReactionResult, reactionChapter } from "../bench/reaction/results.ts";

function resultOf(cluster: string, date: string, machine: string): ReactionResult {
  const setting = { date, machine, node: "24.0.0" };
  return { cluster, client: "fairlead proxy", samplesMs: [1], calls: 1, failed: 0, setting };
}

test("results of two runs are shown with the date and the machine of each", () => {
  const text = reactionChapter([
    resultOf("lab", "2026-01-02T03:04:05.000Z", "one"),
    resultOf("real", "2026-05-06T07:08:09.000Z", "other"),
  ]);
  assert.match(text, /^- fairlead proxy with lab: 2026-01-02 03:04 UTC, one, Node 24\.0\.0\.$/m);
  assert.match(text, /^- fairlead proxy with kube-apiserver: 2026-05-06 07:08 UTC, other, Node/m);
});
