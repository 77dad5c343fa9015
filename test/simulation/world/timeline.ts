/**
 * What became of calls over time: who served each, how it ended, and how long it took.
 *
 * A call counts at the time of its start, so that a slow answer is charged to the moment when its
 * pod was chosen.
 */
import { Status, statusName } from "../../../src/grpc/index.ts";
import type { SimulatedCall } from "./client.ts";
import type { Service } from "./service.ts";
import { quantile } from "./statistics.ts";

/** See the head of this file. */
export class Timeline {
  readonly #service: Service;
  readonly #startedMs: number[] = [];
  readonly #tookMs: number[] = [];
  /** Index of the pod of the last attempt, or -1. */
  readonly #pods: number[] = [];
  readonly #statuses: Status[] = [];
  /** Calls by the time of their start; made anew when it is asked for. */
  #order: number[] = [];
  readonly #indices = new Map<string, number>();

  constructor(service: Service) {
    this.#service = service;
  }

  /** A call ended. */
  record(call: SimulatedCall): void {
    this.#startedMs.push(call.startedMs);
    this.#tookMs.push(call.tookMs);
    this.#pods.push(this.#indexOf(call.address));
    this.#statuses.push(call.status);
  }

  #indexOf(address: string | null): number {
    if (address === null) return -1;
    const known = this.#indices.get(address);
    if (known !== undefined) return known;
    const index = this.#service.pods.findIndex((pod) => pod.address === address);
    this.#indices.set(address, index);
    return index;
  }

  /** Calls so far. */
  get count(): number {
    return this.#startedMs.length;
  }

  /** Indices of the calls that were started in [fromMs, toMs). */
  #between(fromMs: number, toMs: number): readonly number[] {
    const starts = this.#startedMs;
    if (this.#order.length !== starts.length) {
      this.#order = [...starts.keys()].sort((a, b) => starts[a]! - starts[b]!);
    }
    return this.#order.slice(this.#firstFrom(fromMs), this.#firstFrom(toMs));
  }

  /** The place in `#order` of the first call that was started at a time or later. */
  #firstFrom(ms: number): number {
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#startedMs[this.#order[middle]!]! < ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Calls per pod, in the order of the service's pods. */
  countsByPod(fromMs = 0, toMs = Number.POSITIVE_INFINITY): number[] {
    const counts = new Array<number>(this.#service.pods.length).fill(0);
    for (const i of this.#between(fromMs, toMs))
      if (this.#pods[i]! >= 0) counts[this.#pods[i]!] += 1;
    return counts;
  }

  /** The part of the calls that went to one pod. */
  share(pod: number, fromMs: number, toMs: number): number {
    const counts = this.countsByPod(fromMs, toMs);
    return counts[pod]! / counts.reduce((sum, count) => sum + count, 0);
  }

  /** How long calls took: the value below which a share of them lies. */
  tookMs(share: number, fromMs = 0, toMs = Number.POSITIVE_INFINITY): number {
    const values: number[] = [];
    for (const i of this.#between(fromMs, toMs)) values.push(this.#tookMs[i]!);
    return quantile(values, share);
  }

  /** Calls that were started in that time. */
  countOf(fromMs: number, toMs: number): number {
    return this.#between(fromMs, toMs).length;
  }

  /** Calls that took longer. */
  countSlower(ms: number, fromMs: number, toMs: number): number {
    return this.#between(fromMs, toMs).filter((i) => this.#tookMs[i]! > ms).length;
  }

  /** Calls that did not end with OK. */
  failures(fromMs = 0, toMs = Number.POSITIVE_INFINITY): number {
    let count = 0;
    for (const i of this.#between(fromMs, toMs)) if (this.#statuses[i] !== Status.OK) count += 1;
    return count;
  }

  /** Calls by status, such as { OK: 99, UNAVAILABLE: 1 }. */
  get statuses(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const status of this.#statuses) {
      counts[statusName(status)] = (counts[statusName(status)] ?? 0) + 1;
    }
    return counts;
  }

  /** The same over time, one value for each `stepMs`: [seconds since `fromMs`, value]. */
  overTime(
    fromMs: number,
    toMs: number,
    stepMs: number,
    value: (fromMs: number, toMs: number) => number,
  ): [number, number][] {
    const points: [number, number][] = [];
    for (let at = fromMs; at + stepMs <= toMs; at += stepMs) {
      points.push([(at + stepMs - fromMs) / 1_000, value(at, at + stepMs)]);
    }
    return points;
  }
}
