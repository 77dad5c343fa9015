/**
 * What is true of the lab's pods whatever a lane's client knows: how each was made to serve, and
 * what the EndpointSlices of the Service say of it, and since when. It measures nothing.
 */
import type { Clock } from "../../base/index.ts";
import type { EndpointSlice } from "../../discovery/index.ts";
import type { PodState } from "../view.ts";

/** What an EndpointSlice says of a pod. */
export interface SliceFact {
  /** "lab/echo-abcde" */
  readonly slice: string;
  /** ip:port */
  readonly address: string;
  readonly isReady: boolean;
  readonly isTerminating: boolean;
  /** For how long it has said just that. */
  readonly forMs: number;
}

/** One pod. */
export interface PodFact {
  readonly name: string;
  readonly state: PodState;
  readonly isSlow: boolean;
  /** It answers every call with UNAVAILABLE. */
  readonly isSick: boolean;
  /** Null while no slice has it. */
  readonly inSlice: SliceFact | null;
}

type Entry = Omit<SliceFact, "forMs"> & { readonly sinceMs: number };

/** Keeps since when the slices of one Service say what they say of each pod. */
export class SliceJournal {
  readonly #clock: Clock;
  readonly #slices: () => readonly EndpointSlice[];
  #entries = new Map<string, Entry>();

  /** @param slices of the Service, as they are now. */
  constructor(clock: Clock, slices: () => readonly EndpointSlice[]) {
    this.#clock = clock;
    this.#slices = slices;
  }

  /** To be called whenever a slice has changed. */
  onChange(): void {
    const nowMs = this.#clock.nowMs();
    const entries = new Map<string, Entry>();
    for (const { metadata, endpoints, ports } of this.#slices()) {
      for (const { addresses, ready, terminating, targetRef } of endpoints) {
        if (targetRef === null) continue;
        const said = {
          slice: `${metadata.namespace}/${metadata.name}`,
          address: `${addresses[0]}:${ports[0]?.port ?? ""}`,
          isReady: ready !== false,
          isTerminating: terminating === true,
        };
        const before = this.#entries.get(targetRef.name);
        const sinceMs = before !== undefined && isSame(before, said) ? before.sinceMs : nowMs;
        entries.set(targetRef.name, { ...said, sinceMs });
      }
    }
    this.#entries = entries;
  }

  /** Of a pod; null when no slice has it. */
  factOf(pod: string): SliceFact | null {
    const entry = this.#entries.get(pod);
    if (entry === undefined) return null;
    const { sinceMs, ...said } = entry;
    return { ...said, forMs: this.#clock.nowMs() - sinceMs };
  }
}

function isSame(before: Entry, now: Omit<Entry, "sinceMs">): boolean {
  return (
    before.slice === now.slice &&
    before.address === now.address &&
    before.isReady === now.isReady &&
    before.isTerminating === now.isTerminating
  );
}
