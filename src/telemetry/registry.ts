/**
 * All metrics of a process: makes the handles, and reads them when somebody asks.
 *
 * Names follow Prometheus; a handle is made once, when what it counts comes into being, and kept.
 */
import { assert } from "../base/index.ts";
import { Counter, Histogram, type Instrument, Reading } from "./instruments.ts";
import type { GaugeMerge, Labels, MetricKind, MetricsSnapshot } from "./snapshot.ts";
import { labelsKey } from "./snapshot.ts";

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const NO_LABELS: Labels = Object.freeze({});

interface Family {
  readonly name: string;
  readonly help: string;
  readonly kind: MetricKind;
  readonly merge: GaugeMerge;
  readonly boundaries: readonly number[] | null;
  readonly series: Map<string, Instrument>;
}

/** See the head of this file. Making the same series twice is a bug, and asserted. */
export class Registry {
  readonly #families = new Map<string, Family>();

  /** A counter. By custom its name ends in `_total`. */
  counter(name: string, help: string, labels: Labels = NO_LABELS): Counter {
    const family = this.#family(name, help, "counter", "sum", null);
    return this.#bind(family, labels, (remove) => new Counter(labels, remove));
  }

  /** A counter whose sum is kept elsewhere: `read` is called for snapshots, and never falls. */
  counterFrom(name: string, help: string, labels: Labels, read: () => number): Reading {
    const family = this.#family(name, help, "counter", "sum", null);
    return this.#bind(family, labels, (remove) => new Reading(labels, remove, read));
  }

  /**
   * A gauge that calls `read` for every snapshot; while that returns no finite number, the series
   * is left out.
   *
   * @param merge what the values of several workers make together.
   */
  gauge(
    name: string,
    help: string,
    labels: Labels,
    read: () => number,
    merge: GaugeMerge = "sum",
  ): Reading {
    const family = this.#family(name, help, "gauge", merge, null);
    return this.#bind(family, labels, (remove) => new Reading(labels, remove, read));
  }

  /** A histogram with ascending boundaries; its name ends in the unit, such as `_seconds`. */
  histogram(
    name: string,
    help: string,
    boundaries: readonly number[],
    labels: Labels = NO_LABELS,
  ): Histogram {
    const family = this.#family(name, help, "histogram", "sum", boundaries);
    assert(sameNumbers(family.boundaries!, boundaries), "a histogram has one set of boundaries");
    return this.#bind(family, labels, (remove) => new Histogram(labels, remove, boundaries));
  }

  /** Everything at this moment, in the order in which it was made. */
  snapshot(): MetricsSnapshot {
    return {
      families: [...this.#families.values()].map(({ series, ...family }) => ({
        ...family,
        series: [...series.values()].map((one) => one.read()).filter((one) => one !== null),
      })),
    };
  }

  #family(
    name: string,
    help: string,
    kind: MetricKind,
    merge: GaugeMerge,
    boundaries: readonly number[] | null,
  ): Family {
    const known = this.#families.get(name);
    if (known !== undefined) {
      assert(known.kind === kind, "a metric name has one kind");
      assert(known.help === help, "a metric name has one help text");
      assert(known.merge === merge, "a metric name has one way of merging");
      return known;
    }
    assert(METRIC_NAME.test(name), "a metric name is one that Prometheus takes");
    const family = { name, help, kind, merge, boundaries, series: new Map() };
    this.#families.set(name, family);
    return family;
  }

  #bind<I extends Instrument>(
    family: Family,
    labels: Labels,
    create: (remove: () => void) => I,
  ): I {
    for (const label of Object.keys(labels)) {
      assert(LABEL_NAME.test(label) && label !== "le", "a label name is one that Prometheus takes");
    }
    const key = labelsKey(labels);
    assert(!family.series.has(key), "a series is made once, or removed in between");
    const one = create(() => {
      if (family.series.get(key) === one) family.series.delete(key);
    });
    family.series.set(key, one);
    return one;
  }
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}
