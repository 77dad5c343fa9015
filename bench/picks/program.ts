/**
 * One policy over one number of endpoints in a process of its own, so that nothing but its code is
 * compiled: `program.ts NAME ENDPOINTS SECONDS`. Tells a line of JSON, see `PicksReport`.
 */
import {
  balancingFromServiceConfig,
  type EndpointLoad,
  type LoadReport,
  type Picker,
  type PickRequest,
  type PickTarget,
  type Policy,
} from "../../src/balancing/index.ts";
import { realClock, realRng } from "../../src/base/index.ts";
import { SUBJECTS } from "./subjects.ts";

/** What one process found. */
export interface PicksReport {
  readonly pickNs: number;
  /** One endpoint more: all of the work for it, the mean of several. */
  readonly updateMs: number;
  /** And the longest piece of it: of each piece the quickest run of several counts. */
  readonly stepMs: number;
}

const BATCH = 100_000;
const UPDATES = 20;
const KEYS = 1_024;
/** Endpoints reported their load so long ago: no longer in weighted_round_robin's blackout. */
const REPORTED_MS = 15_000;

class BenchTarget implements PickTarget {
  activeCalls = 0;
  readonly weight = 1;
  readonly key: string;
  readonly connectivity = "READY";
  readonly load: EndpointLoad | null;

  constructor(index: number, policy: Policy) {
    this.key = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:50051`;
    this.load = policy.newLoad?.(0, null) ?? null;
  }
}

/** A call with a key of 36 bytes. */
class BenchRequest implements PickRequest {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  joined(): string {
    return this.#key;
  }
}

const clock = realClock();

/**
 * CPU time of this thread: what others do on the machine meanwhile is not in it. The kernel tells
 * it to some milliseconds.
 */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

const rng = realRng();

function newTargets(count: number, policy: Policy): BenchTarget[] {
  const targets = Array.from({ length: count }, (_, i) => new BenchTarget(i, policy));
  for (const target of targets) {
    target.activeCalls = rng.int(4);
    target.load?.onAnswered(10 + rng.int(20), clock.nowMs());
    target.load?.onEnded(false, 10 + rng.int(20), clock.nowMs());
    target.load?.onReport(newReport(), clock.nowMs() - REPORTED_MS);
  }
  return targets;
}

function newReport(): LoadReport {
  const none = new Map<string, number>();
  const nothing = { cpuUtilization: 0, memUtilization: 0, eps: 0, utilization: none };
  const applicationUtilization = 0.2 + rng.next() / 2;
  return { ...nothing, applicationUtilization, qps: 100, namedMetrics: none };
}

/** A picker, with the time that each piece of its making took. */
function build(policy: Policy, targets: readonly BenchTarget[], previous: Picker<BenchTarget>) {
  const pieces: number[] = [];
  const nowMs = clock.nowMs();
  if (policy.beginPicker === undefined) {
    const picker = policy.newPicker(targets, rng, previous, nowMs);
    return { picker, pieces: [clock.nowMs() - nowMs] };
  }
  let beganMs = nowMs;
  const making = policy.beginPicker(targets, rng, previous, nowMs);
  for (;;) {
    const picker = making.step();
    const endedMs = clock.nowMs();
    pieces.push(endedMs - beganMs);
    beganMs = endedMs;
    if (picker !== null) return { picker, pieces };
  }
}

/** As the head of the file says. */
function measure(policy: Policy, count: number, seconds: number): PicksReport {
  const targets = newTargets(count + UPDATES, policy);
  let picker = policy.newPicker(targets.slice(0, count), rng, null, clock.nowMs());
  // A key is read from bytes, as header values are, and is not V8's chain of pieces.
  const newKey = () => Buffer.from(crypto.randomUUID()).toString("latin1");
  const requests = Array.from({ length: KEYS }, () => new BenchRequest(newKey()));
  const pickNs = timePicks(picker, requests, seconds);
  const least: number[] = [];
  const beganMs = cpuMs();
  for (let i = 1; i <= UPDATES; i += 1) {
    const made = build(policy, targets.slice(0, count + i), picker);
    picker = made.picker;
    for (const [at, ms] of made.pieces.entries()) least[at] = Math.min(least[at] ?? ms, ms);
  }
  return { pickNs, updateMs: (cpuMs() - beganMs) / UPDATES, stepMs: Math.max(...least) };
}

/** The mean of many batches, after as long a time of warming up. */
function timePicks(
  picker: Picker<BenchTarget>,
  requests: readonly BenchRequest[],
  seconds: number,
): number {
  let calls = 0;
  let picks = 0;
  let beganMs = Number.NaN; // of the measured part
  const startMs = cpuMs();
  for (;;) {
    const nowMs = clock.nowMs();
    for (let i = 0; i < BATCH; i += 1) {
      // What is picked is read, as by a caller.
      calls += picker.pick(null, requests[i % KEYS], nowMs)!.activeCalls;
    }
    const endedMs = cpuMs();
    picks += BATCH;
    if (endedMs - startMs > 2 * seconds * 1_000) {
      if (calls < 0) throw new Error("counts went below 0");
      return ((endedMs - beganMs) / picks) * 1e6;
    }
    if (Number.isNaN(beganMs) && endedMs - startMs > seconds * 1_000)
      [beganMs, picks] = [endedMs, 0];
  }
}

const [name, count, seconds] = process.argv.slice(2);
const { parameters } = SUBJECTS.find((subject) => subject.name === name)!;
const { policy } = balancingFromServiceConfig({
  loadBalancingConfig: [{ [name as string]: parameters }],
});
console.log(JSON.stringify(measure(policy, Number(count), Number(seconds))));
