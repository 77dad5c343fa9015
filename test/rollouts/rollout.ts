/**
 * One rollout with real processes under load: every pod is replaced while four callers call, by
 * stock grpc-js over headless DNS, by fairlead's channel under grpc-js, by its plain API, and by
 * stock grpc-js through `fairlead proxy`.
 *
 * What is drawn comes from the seed; what the machine does with it does not.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Rng, seededRng } from "../../src/base/index.ts";
import type { CallerProcess } from "./caller-process.ts";
import { type Explain, judge, type PodRecord, type WayFigures } from "./judge.ts";
import { type Load, WAYS, type Way } from "./plan.ts";
import type { Killed, Pod } from "./pod.ts";
import { Stage } from "./stage.ts";
import type { WatchedProxy } from "./watched-proxy.ts";

/**
 * How pods are replaced. `surge`: as a Deployment does, a new one is ready before an old one goes.
 * `in-place`: as a StatefulSet does, the old one goes, and another returns under its address.
 * `kill`: containers die by SIGKILL, and are started again in their pods.
 */
export type Mode = "surge" | "in-place" | "kill";

/** All of them. */
export const MODES: readonly Mode[] = ["surge", "in-place", "kill"];

/** What a rollout is. */
export interface RolloutPlan {
  readonly seed: number;
  readonly mode: Mode;
  readonly pods: number;
  /** From Terminating to SIGTERM: what a `preStop` hook gives to those who watch. */
  readonly preStopMs: number;
  /** From the death of a container to what the kubelet says of it. */
  readonly noticeMs: number;
  readonly load: Load;
}

/** What came of it. */
export interface RolloutResult {
  readonly plan: RolloutPlan;
  readonly ways: readonly WayFigures[];
  readonly kills: readonly Killed[];
  /** What may not be, of all ways and of their processes. */
  readonly complaints: readonly string[];
}

const STREAM_MS_MAX = 900;

/** The rollout that a seed stands for. */
export function planOf(seed: number, mode: Mode | null = null): RolloutPlan {
  const rng = seededRng(seed);
  const drawn = MODES[rng.int(MODES.length)];
  return {
    ...{ seed, mode: mode ?? drawn },
    pods: 3,
    preStopMs: 300 + rng.int(500),
    noticeMs: rng.int(400),
    load: {
      concurrency: 4 + rng.int(6),
      pauseMs: 4 + rng.int(8),
      streamShare: 0.2 + rng.next() * 0.5,
      cancelShare: 0,
      bytesMax: [100, 5_000, 40_000][rng.int(3)],
      unaryMsMax: 10 + rng.int(60),
      streamMsMax: STREAM_MS_MAX,
      deadlineMs: 60_000,
      lookMs: 40,
    },
  };
}

/** Runs it to its end; rejects only when it cannot be run at all. */
export async function runRollout(plan: RolloutPlan): Promise<RolloutResult> {
  const stage = await Stage.start();
  try {
    return await new Rollout(plan, stage).run();
  } finally {
    await stage.close();
  }
}

class Rollout {
  readonly #plan: RolloutPlan;
  readonly #stage: Stage;
  readonly #rng: Rng;
  readonly #complaints: string[] = [];

  constructor(plan: RolloutPlan, stage: Stage) {
    this.#plan = plan;
    this.#stage = stage;
    this.#rng = seededRng(plan.seed + 1);
  }

  async run(): Promise<RolloutResult> {
    const { mode, pods: count } = this.#plan;
    const pods = await Promise.all(Array.from({ length: count }, (_, i) => this.#newPod(i + 1)));
    const proxy = await this.#stage.proxy("least_request");
    const callers = await this.#startCallers(proxy.address);
    await sleep(this.#rng.int(300));
    if (mode === "surge") await this.#surge(pods);
    else if (mode === "in-place") await this.#replaceInPlace(pods);
    else await this.#killAll(pods);
    await sleep(300 + this.#rng.int(300));
    for (const caller of callers.values()) await this.#noting(() => caller.stop());
    return this.#judge(callers, proxy);
  }

  async #newPod(n: number, host = this.#stage.nextHost()): Promise<Pod> {
    const pod = await this.#stage.addPod(`echo-${n}`, host);
    pod.setReady(true);
    return pod;
  }

  async #startCallers(proxyAddress: string): Promise<Map<Way, CallerProcess>> {
    const { load, seed } = this.#plan;
    const started = WAYS.map(async (way) => {
      const caller = await this.#stage.caller(way, { way, load, seed, proxyAddress });
      return [way, caller] as const;
    });
    return new Map(await Promise.all(started));
  }

  /** A step that must go well, and whose failure does not end the rollout. */
  async #noting(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#complaints.push((error as Error).message);
    }
  }

  /** A pod leaves as a good server does: it serves on, hears SIGTERM, and finishes its calls. */
  async #retire(pod: Pod): Promise<void> {
    pod.terminate();
    await sleep(this.#plan.preStopMs);
    await this.#noting(() => pod.stop());
    pod.remove();
  }

  async #surge(pods: readonly Pod[]): Promise<void> {
    let n = pods.length;
    for (const old of pods) {
      n += 1;
      await this.#newPod(n);
      await this.#retire(old);
    }
  }

  async #replaceInPlace(pods: readonly Pod[]): Promise<void> {
    for (const [i, old] of pods.entries()) {
      await this.#retire(old);
      await this.#newPod(i + 1, old.address.split(":")[0]);
    }
  }

  async #killAll(pods: readonly Pod[]): Promise<void> {
    for (const pod of pods) {
      await pod.kill();
      await sleep(this.#plan.noticeMs);
      pod.setReady(false);
      await pod.start();
      pod.setReady(true);
      // Others must have it again before the next one dies.
      await sleep(500);
    }
  }

  async #judge(
    callers: ReadonlyMap<Way, CallerProcess>,
    proxy: WatchedProxy,
  ): Promise<RolloutResult> {
    await this.#noting(() => proxy.untilAtRest());
    const attempts = await proxy.attempts();
    const metrics = await proxy.metrics();
    await this.#noting(() => proxy.stop());
    const kills = this.#stage.pods.flatMap((pod) => pod.kills);
    const records: PodRecord[] = this.#stage.pods.map((pod) => ({
      ...{ name: pod.name, uid: pod.uid, address: pod.address, executions: pod.executions() },
    }));
    const ways: WayFigures[] = [];
    for (const [way, caller] of callers) {
      const { figures } = caller;
      if (figures === null) continue;
      const isProxy = way === "proxy";
      const replays = metrics.get("fairlead_transparent_replays_total") ?? 0;
      const record = {
        ...{ way, isOurs: way !== "headless", calls: caller.journal() },
        attempts: isProxy ? attempts : way === "headless" ? null : figures.attempts,
        replays: isProxy ? replays : figures.replays,
      };
      ways.push(judge(record, records, explainByKills(kills, isProxy ? "fairlead: " : "")));
      for (const [what, value] of Object.entries(figures.left)) {
        this.#complaints.push(`${way} left ${value} ${what}`);
      }
    }
    this.#judgeProxy(ways, metrics);
    for (const { way, complaints } of ways) {
      this.#complaints.push(...complaints.map((each) => `${way}: ${each}`));
    }
    return { plan: this.#plan, ways, kills, complaints: this.#complaints };
  }

  /** Proxy and its caller count the same calls. */
  #judgeProxy(ways: readonly WayFigures[], metrics: ReadonlyMap<string, number>): void {
    const figures = ways.find(({ way }) => way === "proxy");
    const seen = metrics.get("fairlead_downstream_calls_total");
    if (figures !== undefined && seen === figures.calls) return;
    this.#complaints.push(`the proxy counts ${seen} calls, its caller ${figures?.calls}`);
  }
}

/** Clocks of processes are one, but journals are written a moment after what they tell. */
const SLACK_MS = 1_000;
const UNAVAILABLE = 14;

/**
 * SIGKILL allows that calls fail which had reached the dead pod, and each must say so: UNAVAILABLE,
 * with the pod's address.
 */
export function explainByKills(kills: readonly Killed[], prefix: string): Explain {
  return ({ code, details, fromMs, untilMs }) => {
    if (code !== UNAVAILABLE || !details.startsWith(prefix)) return null;
    const kill = kills.find(
      ({ address, atMs }) =>
        details.startsWith(`${prefix}${address}: `) &&
        atMs >= fromMs - SLACK_MS &&
        atMs <= untilMs + SLACK_MS,
    );
    return kill === undefined ? null : `${kill.address} was killed`;
  };
}
