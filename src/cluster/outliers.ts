/**
 * Outlier detection at work in a cluster: its timer, its figures, and what becomes of endpoints.
 *
 * The rules are in `OutlierDetection` of room `balancing`. What a status counts as is in
 * `outcome.ts`; the log line of an endpoint is `EndpointLog`'s.
 */

import {
  type DetectionMethod,
  OutlierDetection,
  type OutlierDetectionConfig,
  type OutlierEvents,
  type UnenforcedReason,
} from "../balancing/index.ts";
import type { Timer } from "../base/index.ts";
import type { Counter } from "../telemetry/index.ts";
import type { ClusterDeps } from "./config.ts";
import type { Subchannel } from "./subchannel.ts";

/** See the head of this file. */
export class Outliers implements OutlierEvents<Subchannel> {
  readonly #target: string;
  readonly #deps: ClusterDeps;
  /** By name and labels, each made when it is first counted. */
  readonly #counters = new Map<string, Counter>();
  #detection: OutlierDetection<Subchannel> | null = null;
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(target: string, deps: ClusterDeps) {
    this.#target = target;
    this.#deps = deps;
  }

  /** This config holds from now on for these endpoints; null takes all back. */
  configure(config: OutlierDetectionConfig | null, subchannels: readonly Subchannel[]): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (config === null || !detectsAnything(config)) {
      // "skip starting the timer and unset the timer start timestamp" (A50)
      const detection = this.#detection;
      this.#detection = null;
      detection?.close();
      return;
    }
    const { clock, rng } = this.#deps;
    if (this.#detection !== null) this.#detection.configure(config);
    else this.#detection = new OutlierDetection(config, rng, this, clock.nowMs());
    this.#detection.setTargets(subchannels);
    this.#wait();
  }

  /** The endpoints are these now. */
  setTargets(subchannels: readonly Subchannel[]): void {
    this.#detection?.setTargets(subchannels);
  }

  #wait(): void {
    const { clock } = this.#deps;
    const delayMs = this.#detection!.nextSweepMs - clock.nowMs();
    this.#timer = clock.setTimer(Math.max(0, delayMs), () => this.#onTimer());
    this.#timer.unref(); // Nobody waits for it.
  }

  #onTimer(): void {
    this.#timer = null;
    this.#detection!.sweep(this.#deps.clock.nowMs());
    if (this.#detection !== null && this.#timer === null && !this.#isClosed) this.#wait();
  }

  /** In how many ms an ejected endpoint returns. */
  returnsInMs(subchannel: Subchannel): number {
    const returnsMs = this.#detection?.returnsMs(subchannel) ?? 0;
    return Math.max(0, returnsMs - this.#deps.clock.nowMs());
  }

  // OutlierEvents

  onEjected(subchannel: Subchannel, method: DetectionMethod, reason: string): void {
    this.#count(
      "grpc_lb_outlier_detection_ejections_enforced_total",
      "Endpoints ejected as outliers (gRFC A91).",
      { grpc_lb_outlier_detection_detection_method: method },
    );
    subchannel.setEjected(reason);
  }

  onReturned(subchannel: Subchannel): void {
    subchannel.setEjected(null);
  }

  onUnenforced(method: DetectionMethod, reason: UnenforcedReason): void {
    this.#count(
      "grpc_lb_outlier_detection_ejections_unenforced_total",
      "Outliers found and not ejected (gRFC A91).",
      {
        grpc_lb_outlier_detection_detection_method: method,
        grpc_lb_outlier_detection_unenforced_reason: reason,
      },
    );
  }

  #count(name: string, help: string, labels: Readonly<Record<string, string>>): void {
    if (this.#isClosed) return;
    const key = [name, ...Object.values(labels)].join(" ");
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      const all = { grpc_target: this.#target, ...labels };
      counter = this.#deps.registry.counter(name, help, all);
      this.#counters.set(key, counter);
    }
    counter.add();
  }

  /** Nothing follows; the series go. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = null;
    for (const counter of this.#counters.values()) counter.remove();
  }
}

function detectsAnything(config: OutlierDetectionConfig): boolean {
  const { successRateEjection, failurePercentageEjection, consecutiveErrors } = config;
  return (
    successRateEjection !== null || failurePercentageEjection !== null || consecutiveErrors !== null
  );
}
