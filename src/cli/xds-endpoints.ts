/**
 * The endpoints of an `xds` target: of every cluster that a route of it names, as the xDS server
 * says them. No endpoint is connected to.
 */
import { assert } from "../base/index.ts";
import type { EndpointSet, Resolver } from "../discovery/index.ts";
import type { ClusterSpec } from "../mesh/index.ts";
import { type EndpointsDocument, endpointsDocument } from "./endpoints-view.ts";
import type { XdsLook } from "./xds-look.ts";
import type { XdsParts } from "./xds-view.ts";

/** One cluster as `-o json` prints it. Keys are added, never renamed or dropped. */
interface ClusterRow {
  readonly name: string;
  readonly endpoints: number;
  readonly usable: number;
  /** Why there are none, or why what is shown may be old; null when neither. */
  readonly reason: string | null;
}

/** What `-o json` prints. */
export interface XdsEndpointsDocument extends EndpointsDocument, XdsParts {
  readonly clusters: readonly ClusterRow[];
}

/** A cluster that is followed. */
interface Followed {
  readonly spec: ClusterSpec;
  readonly resolver: Resolver;
  set: EndpointSet | null;
  /** Why there is no set, or why it may be old. */
  trouble: string | null;
}

/** See the head of this file. */
export class XdsEndpoints {
  readonly #target: string;
  readonly #look: XdsLook;
  readonly #onChange: () => void;
  readonly #clusters = new Map<string, Followed>();

  /** @param onChange is called after each change, and may find that nothing is different. */
  constructor(target: string, look: XdsLook, onChange: () => void) {
    this.#target = target;
    this.#look = look;
    this.#onChange = onChange;
  }

  /** Begins. Once only. */
  start(): void {
    this.#look.start(() => {
      this.#follow();
      this.#onChange();
    });
  }

  close(): void {
    for (const { resolver } of this.#clusters.values()) resolver.close();
    this.#clusters.clear();
    this.#look.close();
  }

  /** Why there is nothing to show; null when nothing is known to be wrong. */
  get reason(): string | null {
    return this.#look.reason;
  }

  /** Whether the server has nothing of that name. */
  get isAbsent(): boolean {
    return this.#look.config?.listeners.length === 0;
  }

  /** What is known; null until it is known of every cluster what there is. */
  document(): XdsEndpointsDocument | null {
    if (this.#look.config === null) return null;
    const all = [...this.#clusters.values()];
    if (all.some(({ set, trouble }) => set === null && trouble === null)) return null;
    const documents = all.map(({ set, trouble }) =>
      endpointsDocument(this.#target, set ?? { endpoints: [] }, trouble),
    );
    const endpoints = documents.flatMap((each) => each.endpoints);
    const wrong = this.#look.reason;
    const isEmpty = endpoints.length === 0;
    const reason = wrong ?? documents.find((each) => each.reason !== null)?.reason ?? null;
    const old = wrong ?? all.find(({ trouble }) => trouble !== null)?.trouble ?? null;
    return {
      target: this.#target,
      endpoints: endpoints.sort((a, b) => (a.address < b.address ? -1 : 1)),
      reason: isEmpty ? reason : null,
      stale: isEmpty ? null : old,
      notes: all.flatMap(({ spec, set }) => (set?.notes ?? []).map((n) => `${spec.name}: ${n}`)),
      clusters: all.map(({ spec, trouble }, i) => ({
        name: spec.name,
        endpoints: documents[i]!.endpoints.length,
        usable: documents[i]!.endpoints.filter(({ usable }) => usable).length,
        reason: trouble ?? documents[i]!.reason,
      })),
      ...this.#look.parts(),
    };
  }

  #follow(): void {
    const { config } = this.#look;
    assert(config !== null || this.#clusters.size === 0, "clusters come with a configuration");
    for (const [name, { spec, resolver }] of [...this.#clusters]) {
      if (config!.clusters.get(name)?.key === spec.key) continue;
      resolver.close();
      this.#clusters.delete(name);
    }
    for (const [name, spec] of config?.clusters ?? []) {
      if (!this.#clusters.has(name)) this.#begin(spec);
    }
  }

  #begin(spec: ClusterSpec): void {
    const followed: Followed = { spec, resolver: spec.newResolver(), set: null, trouble: null };
    this.#clusters.set(spec.name, followed);
    followed.resolver.start({
      onEndpoints: (set) => {
        followed.set = set;
        if (set.isStale !== true) followed.trouble = null;
        this.#onChange();
      },
      onError: (reason) => {
        followed.trouble = reason;
        this.#onChange();
      },
    });
  }
}
