/**
 * The lab: pods, lanes and their load, composed in one place.
 *
 * It draws nothing and writes nothing; `view()` is all that a terminal or a page needs.
 */
import type { Clock } from "../base/index.ts";
import { Children } from "./children.ts";
import { LaneRun } from "./lane-run.ts";
import { LANES } from "./lanes.ts";
import type { LaneName } from "./options.ts";
import { podNames, startPods } from "./pods.ts";
import type { LaneView } from "./view.ts";

/** Lanes begin together; one that is not open by then begins when it is. */
const BEGIN_TIMEOUT_MS = 2000;

/** What to build a lab from. */
export interface LabSetup {
  readonly pods: number;
  readonly lanes: readonly LaneName[];
  /** The `fairlead` command and its first arguments. */
  readonly fairlead: readonly string[];
  readonly clock: Clock;
}

/** Pods and lanes, from start to end. */
export class Lab {
  /** Names of all pods, in order. */
  readonly pods: readonly string[];
  readonly #setup: LabSetup;
  readonly #children: Children;
  readonly #lanes: readonly LaneRun[];
  #beganAtMs: number | null = null;
  #endedAtMs: number | null = null;

  /** Starts the clients' processes at once (they load while the pods do), but no load yet. */
  constructor(setup: LabSetup) {
    this.#setup = setup;
    this.pods = podNames(setup.pods);
    this.#children = new Children(setup.clock);
    this.#lanes = setup.lanes.map((name) => {
      const caller = this.#children.program(`client of ${name}`, "caller", []);
      return new LaneRun(LANES[name], this.pods, caller, setup.clock);
    });
  }

  /** Starts pods, opens the lanes, begins the load. Throws `LabError` when there can be no pods. */
  async start(): Promise<void> {
    const { clock, fairlead } = this.#setup;
    const pods = await startPods(this.#children, this.pods);
    const env = { pods, children: this.#children, clock, fairlead };
    let hasBegun = false;
    const opened = this.#lanes.map(async (lane) => {
      await lane.open(env);
      if (hasBegun) lane.start();
    });
    await Promise.race([
      Promise.all(opened),
      new Promise<void>((resolve) => clock.setTimer(BEGIN_TIMEOUT_MS, resolve).unref()),
    ]);
    hasBegun = true;
    this.#beganAtMs = clock.nowMs();
    for (const lane of this.#lanes) lane.start();
  }

  /** Ends the load; what is in flight finishes. The figures are final then. */
  async stop(): Promise<void> {
    this.#endedAtMs = this.#setup.clock.nowMs();
    await Promise.all(this.#lanes.map((lane) => lane.stop()));
  }

  /** Ends every process. Safe at any time, also while `start` is under way. */
  async close(): Promise<void> {
    await this.#children.close();
  }

  /** How long the load has run, in ms; 0 before it began. */
  get elapsedMs(): number {
    if (this.#beganAtMs === null) return 0;
    return (this.#endedAtMs ?? this.#setup.clock.nowMs()) - this.#beganAtMs;
  }

  /** The lanes as they stand. */
  views(): readonly LaneView[] {
    return this.#lanes.map((lane) => lane.view());
  }

  /** Closes an interval of every lane's history; answers the columns, a lane each. */
  closeInterval(): readonly (readonly number[])[] {
    return this.#lanes.map((lane) => lane.closeInterval());
  }

  /** The histories, a lane each: columns of calls per pod, oldest first. */
  histories(): readonly (readonly (readonly number[])[])[] {
    return this.#lanes.map((lane) => lane.columns);
  }
}
