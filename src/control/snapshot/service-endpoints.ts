/**
 * The endpoint sets of one Service, by port and by place: models that are kept while the Service is
 * there, and brought up to date when somebody asks.
 *
 * What the model yields depends on the last objects alone, not on how they came. So all generations
 * share these: an older one that asks gets its own set, made of its own objects.
 */
import {
  type EndpointSet,
  type EndpointSlice,
  type Place,
  type Service,
  ServiceModel,
} from "../../discovery/index.ts";
import type { ObjectKey } from "../objects/state.ts";
import { PLACES_KEPT_MAX } from "./limits.ts";

/** What a set depends on. */
export interface ServiceObjects {
  readonly service: Service;
  /** Sorted by name; immutable. */
  readonly slices: readonly EndpointSlice[];
}

/** One model, and what it was told last. */
interface Fed {
  readonly model: ServiceModel;
  service: Service | null;
  slices: ReadonlyMap<string, EndpointSlice>;
}

/** See the head of this file. */
export class ServiceEndpoints {
  readonly #name: ObjectKey;
  readonly #fed = new Map<string, Fed>();

  constructor(name: ObjectKey) {
    this.#name = name;
  }

  /** Immutable. Endpoints that did not change are the same objects as in the set before. */
  setOf(objects: ServiceObjects, port: number, place: Place): EndpointSet {
    const key = JSON.stringify([port, place.node, place.zone]);
    let fed = this.#fed.get(key);
    if (fed === undefined) {
      const model = new ServiceModel(this.#name, { kind: "number", number: port }, place);
      fed = { model, service: null, slices: new Map() };
      if (this.#fed.size >= PLACES_KEPT_MAX) this.#fed.clear();
      this.#fed.set(key, fed);
    }
    feed(fed, objects);
    return fed.model.compute();
  }

  /** Forgets models that nobody needs: places, or ports, are others than before. */
  clear(): void {
    this.#fed.clear();
  }
}

function feed(fed: Fed, { service, slices }: ServiceObjects): void {
  if (fed.service !== service) fed.model.setService({ kind: "known", service });
  fed.service = service;
  const before = fed.slices;
  const now = new Map(slices.map((slice) => [slice.metadata.name, slice]));
  for (const name of before.keys()) if (!now.has(name)) fed.model.deleteSlice(name);
  for (const [name, slice] of now) if (before.get(name) !== slice) fed.model.setSlice(slice);
  fed.slices = now;
}
