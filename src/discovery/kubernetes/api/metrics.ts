/**
 * What the source counts, per kind of object, and where the counters come from.
 *
 * Without a registry nothing is kept: the same calls end in a counter that nobody reads. How stale
 * an endpoint set is belongs to the resolver, which knows what it made of the objects.
 */
import { Counter, type Reading, type Registry } from "../../../telemetry/index.ts";
import { KINDS, type KindName } from "../objects.ts";

/** The counters of one kind. Each may be shared by many reflectors. */
export interface KindCounters {
  /** Lists after the first one of a watch: 410 Gone, or an order that made no sense. */
  readonly relists: Counter;
  /** Watches that were opened again, for whatever reason. */
  readonly restarts: Counter;
  readonly events: Counter;
  /** Objects that were passed over because they make no sense. */
  readonly malformed: Counter;
  /** Events that are none, are older than what is known, or came out of order. */
  readonly strangeEvents: Counter;
  /** Requests that failed, whatever for. */
  readonly failures: Counter;
}

/** The metrics of one source. */
export class ApiMetrics {
  readonly #kinds = new Map<KindName, KindCounters>();
  readonly #registry: Registry | null;
  readonly #gauges: Reading[] = [];
  readonly receivedBytes: Counter;
  readonly failedProbes: Counter;

  /** @param openWatches how many watches stand at the moment. */
  constructor(registry: Registry | null, openWatches: () => number) {
    this.#registry = registry;
    this.receivedBytes = this.#counter("received_bytes", "Bytes of answers of the API server.", {});
    this.failedProbes = this.#counter(
      "failed_probes",
      "Questions to a silent API server that it did not answer.",
      {},
    );
    if (registry === null) return;
    const help = "Watches of the API server that are open.";
    this.#gauges.push(registry.gauge("fairlead_kubernetes_watches", help, {}, openWatches));
  }

  /** The counters of a kind, made when they are first asked for. */
  of(kind: KindName): KindCounters {
    const made = this.#kinds.get(kind);
    if (made !== undefined) return made;
    const labels = { resource: KINDS[kind].plural };
    const counters: KindCounters = {
      relists: this.#counter("relists", "Lists after the first good one.", labels),
      restarts: this.#counter("watch_restarts", "Watches that were opened again.", labels),
      events: this.#counter("events", "Events of watches.", labels),
      malformed: this.#counter("malformed_objects", "Objects that were passed over.", labels),
      strangeEvents: this.#counter("strange_events", "Events that made no sense.", labels),
      failures: this.#counter("failed_requests", "Lists and watches that failed.", labels),
    };
    this.#kinds.set(kind, counters);
    return counters;
  }

  /** Takes all series out of the registry. */
  close(): void {
    for (const gauge of this.#gauges) gauge.remove();
    for (const counters of this.#kinds.values()) {
      for (const counter of Object.values(counters)) counter.remove();
    }
    this.receivedBytes.remove();
    this.failedProbes.remove();
  }

  #counter(name: string, help: string, labels: Record<string, string>): Counter {
    if (this.#registry === null) return new Counter(labels, () => {});
    return this.#registry.counter(`fairlead_kubernetes_${name}_total`, help, labels);
  }
}
