/**
 * `outlier_detection`: endpoints that fail more than others get no calls for a time. gRFC A50, with
 * Envoy's errors in a row besides.
 *
 * Pure: it has no timer and no clock. Its owner calls `sweep` when `nextSweepMs` is reached, and
 * does with the endpoints what `OutlierEvents` says. What ended how is fed to their records.
 */
import type { Rng } from "../base/index.ts";
import type {
  FailurePercentageEjection,
  OutlierDetectionConfig,
  SuccessRateEjection,
} from "./outlier-config.ts";
import { OutlierRecord, type RecordOwner } from "./outlier-record.ts";

/** What found an outlier: A91's values of `grpc.lb.outlier_detection.detection_method`. */
export type DetectionMethod = "success_rate" | "failure_percentage" | "consecutive_errors";
/** Why it was not ejected all the same. */
export type UnenforcedReason = "enforcement_percentage" | "max_ejection_overflow";

/** An endpoint as far as detection is concerned. */
export interface OutlierTarget {
  /** Kept by the detection. */
  outlier: OutlierRecord | null;
}

/** Called synchronously. */
export interface OutlierEvents<T extends OutlierTarget> {
  /** It gets no calls from now on; `reason` is one clause for people. */
  onEjected(target: T, method: DetectionMethod, reason: string): void;
  /** It may get calls again. */
  onReturned(target: T): void;
  onUnenforced(method: DetectionMethod, reason: UnenforcedReason): void;
}

/** Found by a sweep: which, and why in words. */
interface Found<T> {
  readonly target: T;
  readonly record: OutlierRecord;
  readonly failedShare: number;
  readonly reason: string;
}

/** See the head of this file. */
export class OutlierDetection<T extends OutlierTarget> implements RecordOwner {
  #config: OutlierDetectionConfig;
  readonly #rng: Rng;
  readonly #events: OutlierEvents<T>;
  #targets: readonly T[] = [];
  #ejectedCount = 0;
  /** "the timestamp of the most recent timer start time" (A50) */
  #startedMs: number;

  constructor(config: OutlierDetectionConfig, rng: Rng, events: OutlierEvents<T>, nowMs: number) {
    this.#config = config;
    this.#rng = rng;
    this.#events = events;
    this.#startedMs = nowMs;
  }

  /** When `sweep` is due: "the configured interval minus the difference" since the last (A50). */
  get nextSweepMs(): number {
    return this.#startedMs + this.#config.intervalMs;
  }

  /** Endpoints that are ejected now. */
  get ejectedCount(): number {
    return this.#ejectedCount;
  }

  /** Another config holds from now on; what was counted stays. */
  configure(config: OutlierDetectionConfig): void {
    this.#config = config;
    this.#keepWithinLimit();
  }

  /** The endpoints are these now. The limit holds for those that stay. */
  setTargets(targets: readonly T[]): void {
    const left = new Set(this.#targets);
    this.#targets = targets;
    for (const target of targets) {
      left.delete(target);
      target.outlier ??= new OutlierRecord(this);
    }
    for (const target of left) this.#release(target);
    this.#keepWithinLimit();
  }

  /** Nothing is detected any more: all may get calls again. */
  close(): void {
    for (const target of this.#targets) {
      if (target.outlier?.ejectedAtMs !== null) this.#takeBack(target);
      this.#release(target);
    }
    this.#targets = [];
  }

  #release(target: T): void {
    const record = target.outlier;
    if (record === null) return;
    if (record.ejectedAtMs !== null) this.#ejectedCount -= 1;
    record.detach();
    target.outlier = null;
  }

  /** The work of the interval that ends now. */
  sweep(nowMs: number): void {
    this.#startedMs = nowMs;
    for (const { outlier } of this.#targets) outlier!.swap();
    const { successRateEjection, failurePercentageEjection } = this.#config;
    if (successRateEjection !== null) this.#judgeSuccessRate(successRateEjection, nowMs);
    if (failurePercentageEjection !== null) {
      this.#judgeFailurePercentage(failurePercentageEjection, nowMs);
    }
    for (const target of this.#targets) {
      const record = target.outlier!;
      if (record.ejectedAtMs === null) record.multiplier = Math.max(0, record.multiplier - 1);
      else if (nowMs >= record.ejectedAtMs + this.#ejectionTimeMs(record)) this.#takeBack(target);
    }
  }

  /** "min(base_ejection_time * multiplier, max(base_ejection_time, max_ejection_time))" (A50) */
  #ejectionTimeMs({ multiplier }: OutlierRecord): number {
    const { baseEjectionTimeMs, maxEjectionTimeMs } = this.#config;
    const limitMs = Math.max(baseEjectionTimeMs, maxEjectionTimeMs);
    return Math.min(baseEjectionTimeMs * multiplier, limitMs);
  }

  /** When an ejected endpoint returns: at the first sweep after its time is over. */
  returnsMs({ outlier }: OutlierTarget): number {
    if (outlier === null || outlier.ejectedAtMs === null) return 0;
    const overMs = outlier.ejectedAtMs + this.#ejectionTimeMs(outlier);
    const sweeps = Math.ceil((overMs - this.nextSweepMs) / this.#config.intervalMs);
    return this.nextSweepMs + Math.max(0, sweeps) * this.#config.intervalMs;
  }

  #judgeSuccessRate(config: SuccessRateEjection, nowMs: number): void {
    const { stdevFactor, minimumHosts, requestVolume } = config;
    const rates: number[] = [];
    for (const { outlier } of this.#targets) {
      if (outlier!.volume >= requestVolume) rates.push(successRate(outlier!));
    }
    // "If the number of addresses with request volume of at least [...] is less than
    // `success_rate_ejection.minimum_hosts`, stop." (A50)
    if (rates.length < minimumHosts || rates.length === 0) return;
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    const squares = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0);
    const deviation = Math.sqrt(squares / rates.length);
    const least = mean - deviation * (stdevFactor / 1_000);
    const words = `below ${percent(least)} (mean ${percent(mean)})`;
    this.#eject("success_rate", config.enforcementPercentage, nowMs, requestVolume, (record) => {
      const rate = successRate(record);
      return rate < least ? `${percent(rate)} of ${record.volume} calls went well, ${words}` : null;
    });
  }

  #judgeFailurePercentage(config: FailurePercentageEjection, nowMs: number): void {
    const { threshold, minimumHosts, requestVolume } = config;
    // "If the number of addresses is less than `failure_percentage_ejection.minimum_hosts`, stop."
    if (this.#targets.length < minimumHosts) return;
    const { enforcementPercentage } = config;
    this.#eject("failure_percentage", enforcementPercentage, nowMs, requestVolume, (record) => {
      const { lastFailures, volume } = record;
      // "greater than `failure_percentage_ejection.threshold`" (A50)
      if (lastFailures * 100 <= threshold * volume) return null;
      return `${percent(lastFailures / volume)} of ${volume} calls failed, above ${threshold} %`;
    });
  }

  /**
   * Ejects those that `judge` gives a reason for. The worst come first: A50 leaves the order open,
   * and the limit may not have room for all.
   */
  #eject(
    method: DetectionMethod,
    enforcementPercentage: number,
    nowMs: number,
    requestVolume: number,
    judge: (record: OutlierRecord) => string | null,
  ): void {
    const found: Found<T>[] = [];
    for (const target of this.#targets) {
      const record = target.outlier!;
      if (record.ejectedAtMs !== null) continue;
      // "If the address's total request volume is less than [...], continue" (A50); without any
      // call there is no rate.
      if (record.volume < requestVolume || record.volume === 0) continue;
      const reason = judge(record);
      if (reason === null) continue;
      found.push({ target, record, failedShare: 1 - successRate(record), reason });
    }
    found.sort((a, b) => b.failedShare - a.failedShare);
    for (const { target, record, reason } of found) {
      this.#tryEject(target, record, method, enforcementPercentage, reason, nowMs);
    }
  }

  #tryEject(
    target: T,
    record: OutlierRecord,
    method: DetectionMethod,
    enforcementPercentage: number,
    reason: string,
    nowMs: number,
  ): void {
    if (this.#ejectedCount >= this.#limit) {
      this.#events.onUnenforced(method, "max_ejection_overflow");
      return;
    }
    // "choose a random integer in `[0, 100)`. If that number is less than
    // `enforcement_percentage`, eject that address" (A50)
    if (this.#rng.int(100) >= enforcementPercentage) {
      this.#events.onUnenforced(method, "enforcement_percentage");
      return;
    }
    record.ejectedAtMs = nowMs;
    record.multiplier += 1;
    record.errorsInRow = 0;
    this.#ejectedCount += 1;
    this.#events.onEjected(target, method, reason);
  }

  #takeBack(target: T): void {
    target.outlier!.ejectedAtMs = null;
    target.outlier!.errorsInRow = 0;
    this.#ejectedCount -= 1;
    this.#events.onReturned(target);
  }

  /**
   * "The maximum % of an address list that can be ejected [...] but will eject at least one address
   * regardless of the value." (A50)
   */
  get #limit(): number {
    const share = (this.#targets.length * this.#config.maxEjectionPercent) / 100;
    return Math.max(1, Math.floor(share));
  }

  /** With fewer endpoints fewer may be ejected: those come back that were ejected first. */
  #keepWithinLimit(): void {
    if (this.#ejectedCount <= this.#limit) return;
    const ejected = this.#targets.filter(({ outlier }) => outlier!.ejectedAtMs !== null);
    ejected.sort((a, b) => a.outlier!.ejectedAtMs! - b.outlier!.ejectedAtMs!);
    for (const target of ejected) if (this.#ejectedCount > this.#limit) this.#takeBack(target);
  }

  /** See `RecordOwner`: Envoy's consecutive 5xx, at once and not at the sweep. */
  onError(record: OutlierRecord, nowMs: number): void {
    const config = this.#config.consecutiveErrors;
    if (config === null || record.errorsInRow < config.threshold) return;
    if (record.ejectedAtMs !== null) return;
    const reason = `${record.errorsInRow} errors in a row`;
    record.errorsInRow = 0;
    const target = this.#targets.find((each) => each.outlier === record)!;
    const { enforcementPercentage } = config;
    this.#tryEject(target, record, "consecutive_errors", enforcementPercentage, reason, nowMs);
  }
}

function successRate(record: OutlierRecord): number {
  return record.lastSuccesses / record.volume;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
