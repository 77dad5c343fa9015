/**
 * A caller: keeps a number of calls of both kinds in flight by one way, and writes each down.
 *
 *     caller.ts PLAN     (JSON, see `CallerPlan`)
 *
 * Prints "calling" after its first answer. SIGTERM: no further calls; those in flight finish, the
 * channel is closed, its last figures are printed, and the process ends because nothing is left in
 * it: nobody calls exit, so that a timer or socket that stays behind shows.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { seededRng } from "../../../src/base/index.ts";
import type { CallBegun, CallEnded } from "../echo.ts";
import { JournalWriter } from "../echo.ts";
import type { CallerPlan, CallPlan } from "../plan.ts";
import { dial } from "./dial.ts";

/** After a call that failed. */
const FAILED_PAUSE_MS = 50;

const plan = JSON.parse(process.argv[2]) as CallerPlan;
const rng = seededRng(plan.seed);
const journal = new JournalWriter<CallBegun | CallEnded>(plan.journal);
const channel = await dial(plan);
let count = 0;
let isOver = false;

function next(): CallPlan {
  const { load } = plan;
  const isStream = rng.next() < load.streamShare;
  const isCancelled = rng.next() < load.cancelShare;
  return {
    id: `${plan.way}-${(count += 1)}`,
    kind: isStream ? "stream" : "unary",
    bytes: rng.int(load.bytesMax),
    // A stream's time is spread over its messages.
    lastsMs: rng.int(isStream ? load.streamMsMax : load.unaryMsMax),
    messages: 1 + rng.int(10),
    deadlineMs: load.deadlineMs,
    cancelAfterMs: isCancelled ? rng.int(load.unaryMsMax) : null,
  };
}

async function callOn(): Promise<void> {
  while (!isOver) {
    const call = next();
    const { id, kind } = call;
    journal.write({ at: "begin", id, kind, ms: Date.now() });
    const { code, details, pod, isCancelled } = await channel.run(call);
    journal.write({ at: "end", id, ms: Date.now(), code, details, pod, isCancelled });
    if (count === 1 || code === 0) announce();
    // Who fails at once must not keep the machine busy with failing.
    const isFailed = code !== 0 && !isCancelled;
    await sleep(isFailed ? FAILED_PAUSE_MS : plan.load.pauseMs);
  }
}

let isAnnounced = false;
function announce(): void {
  if (isAnnounced) return;
  isAnnounced = true;
  console.log("calling");
}

process.once("SIGTERM", () => {
  isOver = true;
});
const watch = setInterval(() => channel.look(), plan.load.lookMs);
await Promise.all(Array.from({ length: plan.load.concurrency }, callOn));
clearInterval(watch);
const figures = await channel.close();
console.log(JSON.stringify({ figures }));
