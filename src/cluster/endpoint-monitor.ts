/**
 * What is known of one endpoint beside its connection: its health as it says itself (A17), its
 * health as it is checked, and its load out of band (A51). All of it while it is connected.
 *
 * An endpoint is used when all who judge its health find it well. One that falls ill is out at
 * once; back it comes no sooner than `FLAP_MS` later, so that a server whose health changes a
 * thousand times a second does not make as many pickers.
 */

import type { Clock, Timer } from "../base/index.ts";
import type { EndpointHealth } from "./overlay.ts";

/** An endpoint that was said to be ill stays out at least this long. */
export const FLAP_MS = 100;

/** One of those who judge or report. */
export interface MonitorPart {
  start(): void;
  stop(): void;
}

/** What a monitor tells its subchannel. */
export interface MonitoredEndpoint {
  setHealth(health: EndpointHealth, reason: string): void;
}

/** What one judge says. */
interface Verdict {
  health: EndpointHealth;
  reason: string;
}

/** See the head of this file. */
export class EndpointMonitor {
  readonly #endpoint: MonitoredEndpoint;
  readonly #clock: Clock;
  readonly #parts: MonitorPart[] = [];
  readonly #verdicts: Verdict[] = [];
  /** When it may be well again. */
  #wellAtMs = Number.NEGATIVE_INFINITY;
  #isWell = false;
  /** It was in use before anybody judged it, and stays so until somebody finds it ill. */
  #isTrusted = false;
  #rise: Timer | null = null;

  constructor(endpoint: MonitoredEndpoint, clock: Clock) {
    this.#endpoint = endpoint;
    this.#clock = clock;
  }

  /** Adds one who reports load. Before `start`. */
  addReporter(part: MonitorPart): void {
    this.#parts.push(part);
  }

  /** Adds one who judges health. Before `start`. */
  addJudge(
    make: (onHealth: (health: EndpointHealth, reason: string) => void) => MonitorPart,
  ): void {
    const verdict: Verdict = { health: "unknown", reason: "" };
    this.#verdicts.push(verdict);
    this.#parts.push(
      make((health, reason) => {
        verdict.health = health;
        verdict.reason = reason;
        this.#judge();
      }),
    );
  }

  /**
   * It is connected.
   *
   * @param isInUse calls go there already, and shall not be held up for the first answer.
   */
  start(isInUse = false): void {
    this.#isTrusted = isInUse;
    for (const part of this.#parts) part.start();
  }

  /** It is not connected any more. Nothing follows until `start`. */
  stop(): void {
    this.#rise?.cancel();
    this.#rise = null;
    this.#isWell = false;
    this.#wellAtMs = Number.NEGATIVE_INFINITY;
    for (const part of this.#parts) part.stop();
  }

  /** The worst verdict holds. */
  #judge(): void {
    this.#rise?.cancel();
    this.#rise = null;
    const worst =
      this.#verdicts.find(({ health }) => health === "not-serving") ??
      this.#verdicts.find(({ health }) => health === "failing") ??
      this.#verdicts.find(({ health }) => health === "unknown") ??
      this.#verdicts[0]!;
    if (worst.health === "unknown" && this.#isTrusted) return;
    this.#isTrusted = false;
    if (worst.health === "serving") this.#recover();
    else {
      if (this.#isWell) this.#wellAtMs = this.#clock.nowMs() + FLAP_MS;
      this.#isWell = false;
      this.#endpoint.setHealth(worst.health, worst.reason);
    }
  }

  #recover(): void {
    const waitMs = this.#wellAtMs - this.#clock.nowMs();
    if (!this.#isWell && waitMs > 0) {
      this.#rise = this.#clock.setTimer(waitMs, () => this.#judge());
      return;
    }
    this.#isWell = true;
    this.#endpoint.setHealth("serving", "");
  }
}
