/**
 * What came of a lane's load since its last report: the counts of a `ReportMessage`. Used by every
 * program that is a lane's client.
 *
 * Latency is taken from the moment a call was made to its answer. A call that was due and could not
 * be made, because the limit of open calls was reached or the program was behind, has none: such
 * calls are counted as given up, so that a figure made only of calls that could be made is not
 * mistaken for that of the load that was asked for.
 */
import type { Clock } from "../../base/index.ts";
import type { ReportMessage } from "../messages.ts";

/** Processor time of a process so far, in microseconds: `process.cpuUsage`. */
export type CpuUsage = () => { readonly user: number; readonly system: number };

/** Counts. */
export class Tally {
  readonly #clock: Clock;
  readonly #cpuUsage: CpuUsage;
  readonly #answeredBy = new Set<string>();
  #perPod: Record<string, number> = {};
  #firstAnswers: Record<string, number> = {};
  #failed = 0;
  #lastFailure = "";
  #latenciesUs: number[] = [];
  #givenUp = 0;
  #lateMs = 0;
  #wakes = 0;
  #cpuMsBefore = 0;

  constructor(clock: Clock, cpuUsage: CpuUsage) {
    this.#clock = clock;
    this.#cpuUsage = cpuUsage;
    this.#cpuMsBefore = this.#cpuMs();
  }

  /** A call was answered by a pod. `latencyUs` null: it does not count for latency. */
  answered(pod: string, latencyUs: number | null): void {
    const name = pod || "(no name)";
    this.#perPod[name] = (this.#perPod[name] ?? 0) + 1;
    if (latencyUs !== null) this.#latenciesUs.push(latencyUs);
    if (this.#answeredBy.has(name)) return;
    this.#answeredBy.add(name);
    this.#firstAnswers[name] = this.#clock.wallMs();
  }

  /** A call failed: status and details. */
  failed(reason: string): void {
    this.#failed += 1;
    this.#lastFailure = reason;
  }

  /** So many calls were due and are not made. */
  gaveUp(calls: number): void {
    this.#givenUp += calls;
  }

  /** A timer came so late. */
  woke(lateMs: number): void {
    this.#wakes += 1;
    this.#lateMs += lateMs;
  }

  /** The counts since the last time, which begin anew. */
  take(connections: number, final: boolean): ReportMessage {
    const cpuMs = this.#cpuMs();
    const report: ReportMessage = {
      type: "report",
      perPod: this.#perPod,
      failed: this.#failed,
      lastFailure: this.#lastFailure,
      latenciesUs: this.#latenciesUs,
      connections,
      firstAnswers: this.#firstAnswers,
      givenUp: this.#givenUp,
      cpuMs: cpuMs - this.#cpuMsBefore,
      lagMs: this.#wakes === 0 ? 0 : this.#lateMs / this.#wakes,
      final,
    };
    this.#cpuMsBefore = cpuMs;
    this.#perPod = {};
    this.#firstAnswers = {};
    this.#failed = 0;
    this.#lastFailure = "";
    this.#latenciesUs = [];
    this.#givenUp = 0;
    this.#lateMs = 0;
    this.#wakes = 0;
    return report;
  }

  #cpuMs(): number {
    const { user, system } = this.#cpuUsage();
    return Math.round((user + system) / 1000);
  }
}
