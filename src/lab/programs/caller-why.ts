/**
 * What a caller remembers for those who ask why: its latest calls, its open connections, and what
 * DNS told it last. It costs a call a few stores into a ring, and an answer nothing before it is
 * asked for.
 */
import { PerformanceObserver } from "node:perf_hooks";
import type { Clock } from "../../base/index.ts";
import type { ClusterView } from "../../cluster/index.ts";
import type { OpenSockets } from "../load/sockets.ts";
import type { CallSeen, KnownMessage, LookupSeen, SubchannelSeen } from "../why/messages.ts";

/** Calls that are remembered. */
const CALLS_KEPT = 50;
/** Connections and subchannels that are told of. */
const ITEMS_TOLD_MAX = 400;

/** What only some callers have. */
export interface CallerSources {
  /** Of stock grpc-js. */
  readonly subchannels?: () => readonly SubchannelSeen[];
  /** Of fairlead's channel. */
  readonly view?: () => ClusterView | null;
}

/** The memory of one caller. */
export class CallerWhy {
  /** What else it can tell; set when its channels are made. */
  sources: CallerSources = {};
  readonly #clock: Clock;
  readonly #calls: CallSeen[] = [];
  /** Where the next one goes. */
  #next = 0;
  readonly #sockets: OpenSockets;
  #lookup: LookupSeen | null = null;

  constructor(clock: Clock, sockets: OpenSockets) {
    this.#clock = clock;
    this.#sockets = sockets;
    // Node tells of each answer that its resolver got; grpc-js uses that.
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.#onLookup(entry as unknown as DnsEntry);
    }).observe({ entryTypes: ["dns"] });
  }

  /** A call has ended. @param peer see `CallSeen`. */
  ended(pod: string, latencyMs: number, failure: string, peer: string): void {
    this.#calls[this.#next] = { atMs: this.#clock.wallMs(), pod, latencyMs, failure, peer };
    this.#next = (this.#next + 1) % CALLS_KEPT;
  }

  /** Everything that it knows. */
  answer(id: number): KnownMessage {
    const { subchannels, view } = this.sources;
    const calls = [...this.#calls.slice(this.#next), ...this.#calls.slice(0, this.#next)];
    return {
      ...{ type: "known", id, calls: calls.toReversed(), lookup: this.#lookup },
      sockets: this.#sockets.seen(ITEMS_TOLD_MAX),
      subchannels: subchannels?.().slice(0, ITEMS_TOLD_MAX) ?? [],
      view: view?.() ?? null,
    };
  }

  #onLookup({ name, detail }: DnsEntry): void {
    if (name !== "queryA" && name !== "queryAaaa") return;
    const addresses = detail.result.filter((each) => typeof each === "string");
    if (addresses.length === 0) return;
    this.#lookup = { name: detail.host, atMs: this.#clock.wallMs(), addresses };
  }
}

/** What Node tells of an answer. https://nodejs.org/api/perf_hooks.html */
interface DnsEntry {
  readonly name: string;
  readonly detail: { readonly host: string; readonly result: readonly unknown[] };
}
