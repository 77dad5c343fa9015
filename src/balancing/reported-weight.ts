/**
 * The weight of one endpoint, from what it reports of its load. gRFC A58, "Subchannel Weights", and
 * A114.
 *
 * Reads never write: that a weight has expired is found when the next report comes.
 */
import type { LoadReport } from "./load-report.ts";
import type { EndpointLoad } from "./policy.ts";
import type { WeightedRoundRobinConfig } from "./weighted-round-robin-config.ts";

/** Weights are kept in these bounds, so that what an endpoint makes up cannot spoil sums. */
const WEIGHT_MIN = 1e-12;
/** See `WEIGHT_MIN`. */
const WEIGHT_MAX = 1e12;

/** What a weight is worth at a moment. */
export type WeightState = "usable" | "not-yet" | "stale";

/** See the head of this file. */
export class ReportedWeight implements EndpointLoad {
  readonly #config: WeightedRoundRobinConfig;
  #weight = 0;
  /** Of the first report after a gap; Infinity before any ("non_empty_since" of A58). */
  #sinceMs = Number.POSITIVE_INFINITY;
  /** Of the last report that said something. */
  #updatedMs = Number.NEGATIVE_INFINITY;

  /**
   * @param previous what another config made of the same endpoint: "Changes to the rest of
   *   parameters take effective with a new picker" (A58), so its weight is kept.
   */
  constructor(config: WeightedRoundRobinConfig, previous: EndpointLoad | null) {
    this.#config = config;
    if (!(previous instanceof ReportedWeight)) return;
    this.#weight = previous.#weight;
    this.#sinceMs = previous.#sinceMs;
    this.#updatedMs = previous.#updatedMs;
  }

  /** Latencies are not its business. */
  onAnswered(): void {}

  /** Nor are the ends of attempts. */
  onEnded(): void {}

  /** "non_empty_since ... is reset when a subchannel comes back to READY" (A58). */
  onReady(): void {
    this.#sinceMs = Number.POSITIVE_INFINITY;
    this.#updatedMs = Number.NEGATIVE_INFINITY;
  }

  onReport(report: LoadReport, nowMs: number): void {
    const utilization = utilizationOf(report, this.#config.metricNames);
    const { qps, eps } = report;
    // A58, UpdateWeight: what says nothing changes nothing.
    if (!(utilization > 0 && qps > 0)) return;
    const { errorPenalty } = this.#config;
    // Without a penalty errors are not looked at: endless ones would make no number of it.
    const penalty = errorPenalty === 0 ? 0 : (eps / qps) * errorPenalty;
    const weight = qps / (utilization + penalty);
    if (Number.isNaN(weight)) return;
    // "Once we stop using a stale value, if we later start seeing fresh reports again, the
    // blackout_period applies." (A58)
    if (this.#isExpired(nowMs) || this.#sinceMs === Number.POSITIVE_INFINITY) {
      this.#sinceMs = nowMs;
    }
    this.#updatedMs = nowMs;
    this.#weight = Math.min(WEIGHT_MAX, Math.max(WEIGHT_MIN, weight));
  }

  #isExpired(nowMs: number): boolean {
    return nowMs - this.#updatedMs >= this.#config.expirationMs;
  }

  /** Whether its weight counts now. */
  stateAt(nowMs: number): WeightState {
    if (this.#updatedMs === Number.NEGATIVE_INFINITY) return "not-yet";
    if (this.#isExpired(nowMs)) return "stale";
    // "if (blackout_period_ > 0 && now() - non_empty_since_ < blackout_period_) return 0" (A58)
    return nowMs - this.#sinceMs < this.#config.blackoutMs ? "not-yet" : "usable";
  }

  /** As it was last reported, whatever its state. */
  get weight(): number {
    return this.#weight;
  }
}

/** A114, GetUtilization; a value that is not above 0 counts as missing. */
function utilizationOf(report: LoadReport, names: readonly string[]): number {
  if (report.applicationUtilization > 0) return report.applicationUtilization;
  let most = 0;
  for (const name of names) {
    const value = metricOf(report, name);
    if (value > most && value < Number.POSITIVE_INFINITY) most = value; // NaN is not above
  }
  return most > 0 ? most : report.cpuUtilization;
}

const NAMED = "named_metrics.";

/** "Only the following fields are supported" (A114); 0 for any other. */
function metricOf(report: LoadReport, name: string): number {
  if (name.startsWith(NAMED)) return report.namedMetrics.get(name.slice(NAMED.length)) ?? 0;
  switch (name) {
    case "application_utilization":
      return report.applicationUtilization;
    case "cpu_utilization":
      return report.cpuUtilization;
    case "mem_utilization":
      return report.memUtilization;
    default:
      return 0;
  }
}
