/**
 * A run of chaos: the faults of a seed hit pods, proxies and callers under load; in the end all is
 * undone, everybody stops in order, and what they wrote down is judged.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../cli/harness.ts";
import { judge, type PodRecord, type WayFigures } from "../rollouts/judge.ts";
import type { Pod } from "../rollouts/pod.ts";
import { Stage } from "../rollouts/stage.ts";
import type { ProxyMetrics, WatchedProxy } from "../rollouts/watched-proxy.ts";
import { Arena, PODS } from "./arena.ts";
import { explainByFaults, type FaultRecord } from "./explain.ts";
import { type PlannedFault, POD_FAULTS, planFaults } from "./fault-plan.ts";
import { type FaultNotes, makeFault } from "./faults.ts";

/** Pods that have a fault at the same time: the others must be enough for every call. */
const DISTURBED_MAX = 2;
/**
 * After a fault, until what it hit counts as well again: backoff grows with the time it was away,
 * and who stood still has calls to finish, which others wait for.
 */
const RECOVERY_MS_MIN = 1_000;
const RECOVERY_SHARE = 0.6;

/** What came of a run. */
export interface ChaosResult {
  readonly seed: number;
  readonly seconds: number;
  readonly faults: readonly FaultRecord[];
  readonly ways: readonly WayFigures[];
  /** Failed calls by the fault that explains them. */
  readonly explained: Readonly<Record<string, number>>;
  /** What may not be. */
  readonly complaints: readonly string[];
}

/** Runs the faults of a seed; rejects only when nothing can be said. */
export async function runChaos(
  seed: number,
  seconds: number,
  tell: (line: string) => void,
): Promise<ChaosResult> {
  const stage = await Stage.start();
  const arena = new Arena(stage, seed);
  try {
    return await new Campaign(arena, seed, seconds, tell).run();
  } finally {
    arena.close();
    await stage.close();
  }
}

class Campaign {
  readonly #arena: Arena;
  readonly #seed: number;
  readonly #seconds: number;
  readonly #tell: (line: string) => void;
  readonly #faults: FaultRecord[] = [];
  readonly #complaints: string[] = [];
  readonly #explained: Record<string, number> = {};
  /** What hits one target comes one after the other. */
  readonly #turns = new Map<string, Promise<void>>();
  #disturbed = 0;
  #startedMs = 0;

  constructor(arena: Arena, seed: number, seconds: number, tell: (line: string) => void) {
    this.#arena = arena;
    this.#seed = seed;
    this.#seconds = seconds;
    this.#tell = tell;
  }

  async run(): Promise<ChaosResult> {
    await this.#arena.start();
    const fdCount = await this.#restingFds();
    this.#startedMs = Date.now();
    for (const plan of planFaults(this.#seed, this.#seconds * 1_000, PODS)) {
      const lateMs = Date.now() - this.#startedMs;
      if (lateMs > this.#seconds * 1_000) break;
      await sleep(Math.max(0, plan.atMs - lateMs));
      this.#enqueue(plan);
    }
    await Promise.all(this.#turns.values());
    await this.#note("after the faults", () => this.#untilWell());
    for (const caller of [...this.#arena.callers, this.#arena.victims.at(-1)!]) {
      await this.#note(caller.plan.way, () => caller.stop());
    }
    return this.#end(fdCount);
  }

  /**
   * Open files of the first proxy with all its endpoints, and without the connections of its
   * callers, who are there already.
   */
  async #restingFds(): Promise<number> {
    const [proxy] = this.#arena.proxies;
    const connections = (await proxy.metrics()).get("fairlead_downstream_connections") ?? 0;
    return proxy.fdCount - connections;
  }

  #enqueue(plan: PlannedFault): void {
    const key = keyOf(plan);
    const before = this.#turns.get(key) ?? Promise.resolve();
    this.#turns.set(
      key,
      before.then(() => this.#make(plan)),
    );
  }

  async #make(plan: PlannedFault): Promise<void> {
    // Its turn came too late.
    if (Date.now() - this.#startedMs > this.#seconds * 1_000) return;
    const isOfPod = (POD_FAULTS as readonly string[]).includes(plan.kind);
    if (isOfPod) {
      // A fault that would leave too few pods is left out, not put off: time goes on.
      if (this.#disturbed >= DISTURBED_MAX) return;
      this.#disturbed += 1;
    }
    const notes: FaultNotes = { cutsMs: [], goAwaysMs: [] };
    const fromMs = Date.now();
    const index = this.#faults.push(this.#recordOf(plan, notes, fromMs, Infinity)) - 1;
    const whom = isOfPod ? this.#faults[index].address : keyOf(plan);
    this.#tell(`${String(fromMs - this.#startedMs).padStart(6)} ms  ${plan.kind} ${whom}`);
    await this.#note(plan.kind, () => makeFault(this.#arena, plan, notes));
    const untilMs = Date.now();
    this.#faults[index] = { ...this.#faults[index], untilMs };
    await sleep(RECOVERY_MS_MIN + RECOVERY_SHARE * (untilMs - fromMs));
    if (isOfPod) this.#disturbed -= 1;
  }

  #recordOf(
    { kind, target }: PlannedFault,
    notes: FaultNotes,
    fromMs: number,
    untilMs: number,
  ): FaultRecord {
    const isOfPod = (POD_FAULTS as readonly string[]).includes(kind);
    const address = isOfPod ? this.#arena.pods[target].pod.address : null;
    const name = kind === "proxy-kill" ? "proxy-2" : null;
    return { kind, address, name, fromMs, untilMs, ...notes };
  }

  /** A step that must go well, and whose failure does not end the run. */
  async #note(what: string, step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#complaints.push(`${what}: ${(error as Error).message}`);
    }
  }

  /** Every proxy has a connection to every pod again, and to nothing else. */
  async #untilWell(): Promise<void> {
    for (const proxy of this.#arena.proxies) {
      await until("every endpoint is ready again", async () => {
        const endpoints = await proxy.endpoints();
        return endpoints.length === PODS && endpoints.every(({ state }) => state === "READY");
      });
    }
  }

  async #end(fdCount: number): Promise<ChaosResult> {
    const { proxies, pods } = this.#arena;
    const [first] = proxies;
    for (const proxy of proxies) await this.#note("a proxy", () => proxy.untilAtRest());
    for (const { pod } of pods) await this.#note("pods", () => untilNoneIsOpen(pod));
    // It may keep a connection more to the API server than it had.
    await this.#note("the first proxy", () =>
      until("its sockets are closed", () => first.fdCount <= fdCount + 2),
    );
    const metrics = await first.metrics();
    const attempts = await first.attempts();
    for (const proxy of proxies) await this.#note("a proxy", () => proxy.stop());
    for (const { pod } of pods) await this.#note(pod.name, () => pod.stop());
    const ways = this.#judgeAll(metrics, attempts);
    return {
      ...{ seed: this.#seed, seconds: this.#seconds, faults: this.#faults, ways },
      ...{ explained: this.#explained, complaints: this.#complaints },
    };
  }

  #judgeAll(
    metrics: ProxyMetrics,
    attempts: Awaited<ReturnType<WatchedProxy["attempts"]>>,
  ): WayFigures[] {
    const records: PodRecord[] = this.#arena.stage.pods.map((pod) => ({
      ...{ name: pod.name, uid: pod.uid, address: pod.address, executions: pod.executions() },
    }));
    const ways: WayFigures[] = [];
    for (const caller of [...this.#arena.callers, ...this.#arena.victims]) {
      const { way } = caller.plan;
      const isKilled = caller.process.exit?.signal === "SIGKILL";
      const through =
        caller.plan.channel === "stock" ? (way === "proxy-2" ? way : "proxy-1") : null;
      const own = way === "proxy-1" ? null : (caller.figures?.attempts ?? null);
      const record = {
        ...{ way, isOurs: true, calls: caller.journal() },
        // A victim shares its proxy, and the second proxy's counts go with it when it is killed.
        attempts: through === null ? own : null,
        replays: caller.figures?.replays ?? 0,
      };
      const explain = (call: Parameters<typeof explainByFaults>[0]): string | null =>
        explainByFaults(call, this.#faults, through);
      const figures = judge(record, records, explain);
      ways.push(figures);
      for (const call of figures.failures) {
        const reason = explain(call) ?? "nothing";
        this.#explained[reason] = (this.#explained[reason] ?? 0) + 1;
      }
      // What a killed caller had in flight ended with it.
      const told = isKilled ? figures.complaints.filter(isOfLiving) : figures.complaints;
      this.#complaints.push(...told.map((each) => `${way}: ${each}`));
      for (const [what, value] of Object.entries(caller.figures?.left ?? {})) {
        this.#complaints.push(`${way} left ${value} ${what}`);
      }
    }
    this.#judgeProxy(ways, metrics, attempts);
    return ways;
  }

  /**
   * The first proxy's own counts: calls that came are calls of its callers; attempts are these and
   * the replays, less what was refused; and what pods executed is among them.
   */
  #judgeProxy(
    ways: readonly WayFigures[],
    metrics: ProxyMetrics,
    attempts: Awaited<ReturnType<WatchedProxy["attempts"]>>,
  ): void {
    const metric = (name: string): number => metrics.get(name) ?? 0;
    const isVictimOfProxy = (way: string) => /^victim\d*[02468]$/.test(way);
    const through = ways.filter(({ way }) => way === "proxy-1" || isVictimOfProxy(way));
    const sum = (of: (way: WayFigures) => number) => through.reduce((all, way) => all + of(way), 0);
    const calls = sum((way) => way.calls + way.unended);
    const executed = sum((way) => way.perPod.reduce((all, pod) => all + pod.executed, 0));
    const came = metric("fairlead_downstream_calls_total");
    const replays = metric("fairlead_transparent_replays_total");
    const started = Object.values(attempts).reduce((all, each) => all + each.calls, 0);
    const isExact = Object.values(attempts).every((each) => each.isExact);
    // One that its caller gave up, or was killed with, before it was sent never came.
    const unsent = sum((way) => way.failures.length + way.unended);
    const seen =
      `${came} calls came of ${calls}, ${replays} replays, ` +
      `${started} attempts, ${executed} executed`;
    const isWrong =
      came > calls ||
      calls - came > unsent ||
      executed > came ||
      started > came + replays ||
      (isExact && started < executed);
    if (isWrong) this.#complaints.push(`proxy-1: ${seen}`);
    this.#tell(`proxy-1: ${seen}${isExact ? "" : " (attempts: a lower bound)"}`);
  }
}

/** The streams to a pod are gone while the connections that had them stand. */
async function untilNoneIsOpen(pod: Pod): Promise<void> {
  const are = (): string[] => pod.openCalls();
  await until(`no call is open on ${pod.name}`, () => are().length === 0).catch((error) => {
    throw new Error(`${(error as Error).message}: ${are().slice(0, 5).join(", ")}`);
  });
}

/** What is left to be said of a caller that was killed. */
function isOfLiving(complaint: string): boolean {
  return !/ never ended$/.test(complaint) && !/is no call that ended$/.test(complaint);
}

/** Of the process or place that a fault hits. */
function keyOf({ kind, target }: PlannedFault): string {
  if (kind.startsWith("proxy-")) return `proxy-${kind === "proxy-kill" ? 2 : target + 1}`;
  if (kind === "caller-kill") return "victim";
  if (kind === "caller-stop") return `caller-${target}`;
  if (kind.startsWith("lie-") && kind !== "lie-drop") return kind;
  return `pod-${target}`;
}
