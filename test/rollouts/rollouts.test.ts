/**
 * Three rollouts with real processes under load, one of each mode: where servers shut down
 * gracefully no call of fairlead's fails; where containers are killed only those fail that had
 * reached them, and each says so; no call is executed twice; and all sides count the same.
 *
 * FAIRLEAD_ROLLOUT_SEED chooses the load and the times; `npm run rollouts` is the long form.
 */
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { stopAll } from "../peers/processes.ts";
import { describe, replayOf } from "./report.ts";
import { MODES, planOf, runRollout } from "./rollout.ts";

const SEED = Number(process.env.FAIRLEAD_ROLLOUT_SEED ?? Date.now() % 1_000_000);

after(() => stopAll());

for (const mode of MODES) {
  test(`a rollout (${mode}) fails no call but for those that it may`, async (t) => {
    const result = await runRollout(planOf(SEED, mode));
    t.diagnostic(describe(result));
    assert.deepEqual(result.complaints, [], `replay: ${replayOf(result)}`);
    assert.equal(result.ways.length, 4);
    for (const { way, calls, streams, perPod } of result.ways) {
      assert.ok(calls > streams && streams > 0, `${way}: ${calls} calls, ${streams} streams`);
      // What stock grpc-js does not find, it does not find.
      if (way === "headless") continue;
      for (const { pod, executed } of perPod) assert.ok(executed > 0, `${way}: ${pod} was used`);
    }
    if (mode !== "kill") return;
    assert.equal(result.kills.length, 3);
  });
}
