/**
 * Who has which pods ejected: while outlier detection is on (gRFC A50), fairlead's lanes are asked
 * once a second what `why` asks them, because no report of a client tells it.
 *
 * While it is off nobody can have ejected anything, and nobody is asked.
 */
import type { Clock, Timer } from "../../base/index.ts";
import { LabError } from "../error.ts";
import type { LaneWhy } from "../why/index.ts";

const LOOK_MS = 1000;

/** A lane that may have pods ejected; `LaneRun` is one. */
export interface EjectingLane {
  /** A policy of fairlead's is at work in it. */
  readonly hasPolicy: boolean;
  /** Null while it is not open. */
  readonly why: Pick<LaneWhy, "views"> | null;
  /** Names of those that are ejected now. */
  setEjected(pods: readonly string[]): void;
}

/** Asks the lanes of a lab. */
export class EjectionWatch {
  readonly #lanes: () => readonly EjectingLane[];
  readonly #clock: Clock;
  #timer: Timer | null = null;

  /** @param lanes that are on now. */
  constructor(lanes: () => readonly EjectingLane[], clock: Clock) {
    this.#lanes = lanes;
    this.#clock = clock;
  }

  /** It is on from now on. */
  start(): void {
    if (this.#timer === null) this.#again();
  }

  /** It is off: nothing is ejected any more. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (const lane of this.#lanes()) lane.setEjected([]);
  }

  #again(): void {
    const timer = this.#clock.setTimer(LOOK_MS, () => {
      Promise.all(this.#lanes().map((lane) => this.#look(lane))).then(() => {
        if (this.#timer === timer) this.#again();
      });
    });
    timer.unref();
    this.#timer = timer;
  }

  async #look(lane: EjectingLane): Promise<void> {
    if (!lane.hasPolicy || lane.why === null) return;
    try {
      const views = await lane.why.views();
      const all = views.flatMap(({ view }) => view.endpoints);
      const ejected = all.filter(({ state }) => state === "EJECTED");
      const names = new Set(ejected.map(({ pod, address }) => pod ?? address));
      lane.setEjected(this.#timer === null ? [] : [...names].toSorted());
    } catch (error) {
      // It is busy, or is ending: what was known holds until the next look.
      if (!(error instanceof LabError)) throw error;
    }
  }
}
