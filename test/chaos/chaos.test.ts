/**
 * Random faults with real processes, for some seconds: pods, proxies and callers are killed,
 * stopped, slowed, refused, reset and lied about. Every call ends once, every failure is explained
 * by a fault that allows it, nothing is left behind, and all sides count the same.
 *
 * FAIRLEAD_CHAOS_SEED chooses the faults; `npm run chaos` is the long form.
 */
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { stopAll } from "../peers/processes.ts";
import { runChaos } from "./campaign.ts";
import { describeChaos, replayOf } from "./chaos-report.ts";

const SEED = Number(process.env.FAIRLEAD_CHAOS_SEED ?? Date.now() % 1_000_000);
const SECONDS = 15;

after(() => stopAll());

test("random faults fail no call but for those that they may, and leave nothing", async (t) => {
  const told: string[] = [];
  const result = await runChaos(SEED, SECONDS, (line) => told.push(line));
  t.diagnostic(describeChaos(result));
  const replay = `replay: ${replayOf(result)}\n${told.join("\n")}`;
  assert.deepEqual(result.complaints, [], replay);
  assert.ok(result.faults.length > 5, `${result.faults.length} faults`);
  for (const { way, ok } of result.ways) {
    if (!way.startsWith("victim")) assert.ok(ok > 50, `${way}: ${ok} calls ended well`);
  }
});
