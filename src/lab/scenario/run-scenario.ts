/**
 * Runs one scenario on a lab of its own: starts it, does what is to be done at its time, looks, and
 * ends it. No process is left, however it ends.
 */
import type { Clock } from "../../base/index.ts";
import { type Action, actionText } from "../actions.ts";
import { Lab } from "../core/lab.ts";
import { LabError } from "../error.ts";
import type { Lane } from "../lanes/index.ts";
import { changedLanes } from "./changed-lanes.ts";
import type { Fitness } from "./fitness.ts";
import { judge } from "./judge.ts";
import type { Look } from "./observation.ts";
import type { Outcome, ScenarioResult } from "./result.ts";
import type { Scenario, Timing } from "./scenario.ts";
import { isSettled, type LabState } from "./settled.ts";
import { lookKey, type Point, pointsOf } from "./timeline.ts";

/** From time to time the lab is looked at: so often. */
const TICK_MS = 50;
/** What was done and is not in effect by then never will be. */
const SETTLE_TIMEOUT_MS = 60_000;
/** Two reports of a lane after a moment tell all that was before it; then without them. */
const REPORTS = 2;
const REPORTS_TIMEOUT_MS = 3000;

/** What a run needs. */
export interface ScenarioDeps {
  readonly clock: Clock;
  /** The `fairlead` command and its first arguments. */
  readonly fairlead: readonly string[];
  /** Why there is no network namespace of the lab's own, or null. */
  readonly whyNoNetns: string | null;
  /** Aborted when the user wants an end. */
  readonly stop: AbortSignal;
  /** Called as it goes on: what happens, how many seconds of load of how many. */
  onProgress(text: string, seconds: number, of: number): void;
}

/** Runs it. Never throws but for a bug: what went wrong is the result's. */
export async function runScenario(
  scenario: Scenario,
  isShort: boolean,
  { leftOut }: Fitness,
  deps: ScenarioDeps,
): Promise<ScenarioResult> {
  const startedMs = deps.clock.wallMs();
  const beganMs = deps.clock.nowMs();
  const run = new ScenarioRun(scenario, isShort ? scenario.short : scenario.full, leftOut, deps);
  const reason = await run.toEnd();
  const findings = judge(scenario, { lookAt: run.lookAt, isShort, leftOut });
  const isShown = reason === null && findings.every(({ isMet }) => isMet);
  const outcome: Outcome = deps.stop.aborted ? "stopped" : isShown ? "shown" : "not-shown";
  return {
    ...{ scenario, file: null, outcome, findings, startedMs },
    reason: deps.stop.aborted ? "stopped before its end" : reason,
    lanes: run.lanes,
    events: run.events,
    load: run.load,
    loadSeconds: run.loadSeconds,
    seconds: (deps.clock.nowMs() - beganMs) / 1000,
    isInNetns: deps.whyNoNetns === null,
  };
}

class ScenarioRun {
  readonly #scenario: Scenario;
  readonly #timing: Timing;
  readonly #deps: ScenarioDeps;
  readonly #lab: Lab;
  readonly #looks = new Map<string, Look>();
  /** How long the scenario's clock stood, in ms of load. */
  #stoodMs = 0;
  #problem: string | null = null;

  constructor(
    scenario: Scenario,
    timing: Timing,
    leftOut: ReadonlyMap<string, string>,
    deps: ScenarioDeps,
  ) {
    this.#scenario = scenario;
    this.#timing = timing;
    this.#deps = deps;
    const lanes: readonly Lane[] = changedLanes(
      scenario.lanes.filter(({ name }) => !leftOut.has(name)),
    );
    this.#lab = new Lab({
      ...{ lanes, load: scenario.load, policy: scenario.policy, hasPeers: false },
      ...{ pods: scenario.pods.count, podSettings: scenario.pods.settings },
      ...{ whyNoNetns: deps.whyNoNetns, fairlead: deps.fairlead, clock: deps.clock },
      onProblem: (reason) => {
        this.#problem ??= reason;
      },
    });
  }

  get lanes() {
    return this.#lab.views();
  }

  get events() {
    return this.#lab.events;
  }

  get load() {
    return this.#lab.load;
  }

  get loadSeconds(): number {
    return this.#lab.elapsedMs / 1000;
  }

  readonly lookAt = (moment: Parameters<typeof lookKey>[0], isFrom: boolean): Look | undefined =>
    this.#looks.get(lookKey(moment, isFrom, this.#timing.seconds));

  /** Resolves with why it did not come to its end, or null. */
  async toEnd(): Promise<string | null> {
    try {
      this.#tell("starting");
      await Promise.race([this.#lab.start(), this.#stopped()]);
      if (this.#isStopped) return null;
      await this.#standing(() => this.#allBegun());
      await this.#pass();
      // Before the load ends: connections are those of the load.
      const { podConnections } = this.#look();
      await this.#lab.stop();
      this.#looks.set("end", { ...this.#look(), podConnections });
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      this.#problem ??= error.message;
    } finally {
      await this.#lab.close();
    }
    return this.#problem;
  }

  async #pass(): Promise<void> {
    for (const point of pointsOf(this.#scenario, this.#timing.seconds)) {
      await this.#waitUntil(point.atMs, false);
      if (this.#isStopped || this.#problem !== null) return;
      if (point.look === "") await this.#doAll(point);
      else {
        await this.#standing(() => this.#reported());
        this.#looks.set(point.look, this.#look());
      }
    }
    await this.#waitUntil(this.#timing.seconds * 1000, true);
  }

  /** Until so many ms of the scenario have passed, or enough calls were made and it is the last. */
  async #waitUntil(atMs: number, isLast: boolean): Promise<void> {
    for (;;) {
      const leftMs = atMs - this.#nowMs;
      if (leftMs <= 0 || this.#isStopped || this.#problem !== null) return;
      if (isLast && this.#hasCalls()) return;
      this.#tell("load");
      await this.#pause(Math.min(leftMs, TICK_MS));
    }
  }

  async #doAll({ actions }: Point): Promise<void> {
    for (const action of actions) {
      const eventsBefore = this.#lab.events.length;
      const refusal = this.#lab.act(action);
      if (refusal !== null) throw new LabError(`${actionText(action)}: ${refusal}`);
      await this.#standing(() => this.#settle(action, eventsBefore));
    }
  }

  async #settle(action: Action, eventsBefore: number): Promise<void> {
    const text = actionText(action);
    const giveUpMs = this.#deps.clock.nowMs() + SETTLE_TIMEOUT_MS;
    // What was asked for may not have begun yet.
    do {
      this.#tell(text);
      await this.#pause(TICK_MS);
      if (this.#isStopped || this.#problem !== null) return;
      if (this.#deps.clock.nowMs() > giveUpMs) {
        throw new LabError(`${text}: not in effect after ${SETTLE_TIMEOUT_MS / 1000} s`);
      }
    } while (!isSettled(action, this.#state(), eventsBefore));
  }

  /** A lane that is late begins when it is connected, and the scenario with it. */
  async #allBegun(): Promise<void> {
    const giveUpMs = this.#deps.clock.nowMs() + SETTLE_TIMEOUT_MS;
    const isLate = (): boolean => this.#lab.views().some(({ phase }) => phase === "starting");
    while (isLate() && !this.#isStopped && this.#deps.clock.nowMs() < giveUpMs) {
      await this.#pause(TICK_MS);
    }
  }

  /** Waits for two more reports of every lane that runs. */
  async #reported(): Promise<void> {
    const giveUpMs = this.#deps.clock.nowMs() + REPORTS_TIMEOUT_MS;
    const seen = new Map<string, { calls: number; reports: number }>();
    for (;;) {
      let isDone = true;
      for (const { name, phase, figures } of this.#lab.views()) {
        const entry = seen.get(name) ?? { calls: figures.calls, reports: 0 };
        if (figures.calls !== entry.calls) entry.reports += 1;
        entry.calls = figures.calls;
        seen.set(name, entry);
        if (phase === "running" && entry.reports < REPORTS) isDone = false;
      }
      if (isDone || this.#isStopped || this.#deps.clock.nowMs() > giveUpMs) return;
      await this.#pause(TICK_MS / 2);
    }
  }

  /** Does something while the scenario's clock stands. */
  async #standing(work: () => Promise<void>): Promise<void> {
    const before = this.#lab.elapsedMs;
    await work();
    this.#stoodMs += this.#lab.elapsedMs - before;
  }

  get #nowMs(): number {
    return this.#lab.elapsedMs - this.#stoodMs;
  }

  get #isStopped(): boolean {
    return this.#deps.stop.aborted;
  }

  #hasCalls(): boolean {
    const { calls } = this.#timing;
    return calls !== null && this.#lab.views().every(({ figures }) => figures.calls >= calls);
  }

  #look(): Look {
    const { pods, podStates } = this.#lab;
    return {
      lanes: this.#lab.views(),
      podConnections: this.#lab.podConnections(),
      ready: pods.filter((_, row) => podStates[row] === "ready"),
    };
  }

  #state(): LabState {
    const { pods, podStates, wantedPods, notServingPods, events } = this.#lab;
    return { pods, podStates, wantedPods, notServingPods, events, lanes: this.#lab.views() };
  }

  #tell(text: string): void {
    this.#deps.onProgress(text, this.#nowMs / 1000, this.#timing.seconds);
  }

  #stopped(): Promise<void> {
    const { stop } = this.#deps;
    return new Promise((resolve) => {
      if (stop.aborted) resolve();
      else stop.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#deps.clock.setTimer(delayMs, resolve));
  }
}
