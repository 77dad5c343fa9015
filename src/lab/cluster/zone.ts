/**
 * The cluster's objects as its DNS server looks them up: `dns/zone.ts` over the API server's store.
 */
import {
  checkObject,
  type EndpointSlice,
  type KindName,
  type ObjectOfKind,
  SERVICE_NAME_LABEL,
  type Service,
} from "../../discovery/index.ts";
import type { DnsZone } from "../dns/index.ts";
import type { ApiObject } from "./object.ts";
import type { Store } from "./store.ts";

/** Answers from the store as it is at each question. */
export class StoreZone implements DnsZone {
  readonly domain = "cluster.local";
  readonly #store: Store;
  /** Checked objects by what they were made of; a changed object is another one. */
  readonly #checked = new WeakMap<ApiObject, ObjectOfKind[KindName] | null>();

  constructor(store: Store) {
    this.#store = store;
  }

  hasNamespace(namespace: string): boolean {
    return this.#store.get("Namespace", namespace) !== undefined;
  }

  service(namespace: string, name: string): Service | null {
    const object = this.#store.get("Service", `${namespace}/${name}`);
    return object === undefined ? null : this.#check("Service", object);
  }

  slices(namespace: string, service: string): readonly EndpointSlice[] {
    return [...this.#store.all("EndpointSlice")]
      .filter(
        ({ metadata }) =>
          metadata.namespace === namespace && metadata.labels?.[SERVICE_NAME_LABEL] === service,
      )
      .map((object) => this.#check("EndpointSlice", object))
      .filter((slice) => slice !== null);
  }

  #check<K extends KindName>(kind: K, object: ApiObject): ObjectOfKind[K] | null {
    let checked = this.#checked.get(object);
    if (checked === undefined) {
      checked = checkObject(kind, object).object;
      this.#checked.set(object, checked);
    }
    return checked as ObjectOfKind[K] | null;
  }
}
