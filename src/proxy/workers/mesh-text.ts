/**
 * A configuration as text, on its way from the primary to its workers: all of it, keys of
 * certificates included, so that it goes nowhere else.
 */
import type { Resolver } from "../../discovery/index.ts";
import type { ClusterSpec, ListenerSpec, MeshConfig } from "../../mesh/index.ts";
import { parseRegex } from "../../routes/index.ts";

interface MeshText {
  readonly listeners: readonly ListenerSpec[];
  readonly clusters: readonly Omit<ClusterSpec, "newResolver">[];
}

/** The text of a configuration. */
export function encodeMesh({ listeners, clusters }: MeshConfig): string {
  const plain: MeshText = {
    listeners,
    clusters: [...clusters.values()].map(({ newResolver: _, ...spec }) => spec),
  };
  // A regular expression is what its source says.
  return JSON.stringify(plain, (key, value) => (key === "regex" ? value.source : value));
}

/** Reads texts one after the other: what did not change is the same object as before. */
export class MeshReader {
  readonly #newResolver: (key: string) => Resolver;
  #listeners = new Map<string, ListenerSpec>();
  #clusters = new Map<string, ClusterSpec>();

  /** @param newResolver of a cluster, by its key. */
  constructor(newResolver: (key: string) => Resolver) {
    this.#newResolver = newResolver;
  }

  /** The configuration of a text that `encodeMesh` made. */
  read(text: string): MeshConfig {
    const plain = JSON.parse(text) as MeshText;
    const listeners = new Map<string, ListenerSpec>();
    const clusters = new Map<string, ClusterSpec>();
    for (const listener of plain.listeners) {
      const key = JSON.stringify(listener);
      listeners.set(key, this.#listeners.get(key) ?? revived(key));
    }
    for (const spec of plain.clusters) {
      const key = JSON.stringify(spec);
      const made = { ...spec, newResolver: () => this.#newResolver(spec.key) };
      clusters.set(key, this.#clusters.get(key) ?? made);
    }
    this.#listeners = listeners;
    this.#clusters = clusters;
    return {
      listeners: [...listeners.values()],
      clusters: new Map([...clusters.values()].map((spec) => [spec.name, spec])),
    };
  }
}

function revived(text: string): ListenerSpec {
  return JSON.parse(text, (key, value) => (key === "regex" ? parseRegex(value) : value));
}
