/**
 * The endpointslice controller in small: watches Services, Pods and Nodes of the store and keeps
 * the slices of each Service as `plan.ts` says, within a turn of the event loop.
 *
 * The slices of a Service that is deleted go too (in a cluster the garbage collector does that).
 * Slices that others wrote are left alone.
 */
import { asText, type Clock, type Timer } from "../../../base/index.ts";
import { SERVICE_NAME_LABEL } from "../../../discovery/index.ts";
import type { ApiObject } from "../object.ts";
import type { Objects } from "../objects.ts";
import type { StoreEvent } from "../store.ts";
import { isSelecting, selects } from "./endpoints.ts";
import { isManagedFor, planSlices } from "./plan.ts";

/** What the controller works on. */
export interface ControllerDeps {
  readonly objects: Objects;
  readonly clock: Clock;
}

/** Keeps slices while it is not closed. */
export class EndpointSliceController {
  readonly #objects: Objects;
  readonly #clock: Clock;
  readonly #stop: () => void;
  /** Services to look at, as "namespace/name". */
  readonly #due = new Set<string>();
  #timer: Timer | null = null;
  #isPaused = false;

  /** Looks at every Service once, soon, and at each that a change concerns. */
  constructor({ objects, clock }: ControllerDeps) {
    this.#objects = objects;
    this.#clock = clock;
    this.#stop = objects.store.onEvent((event) => this.#onEvent(event));
    for (const service of objects.store.all("Service")) this.#plan(service);
  }

  /** While paused, changes are noticed and nothing is written: a controller that is down. */
  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (!isPaused) this.#arm();
  }

  /** Writes no more. */
  close(): void {
    this.#stop();
    this.#timer?.cancel();
  }

  #onEvent({ kind, object, before }: StoreEvent): void {
    if (kind === "Service") this.#plan(object);
    else if (kind === "Node") {
      // Its zone is in every endpoint on it.
      for (const service of this.#objects.store.all("Service")) this.#plan(service);
    } else if (kind === "Pod") {
      for (const service of this.#objects.store.all("Service")) {
        const concerns = [object, before].some((pod) => pod !== null && selects(service, pod));
        if (concerns) this.#plan(service);
      }
    } else if (kind === "EndpointSlice") this.#onSlice(object);
  }

  /** Somebody changed or deleted a slice: it is put right. */
  #onSlice({ metadata }: ApiObject): void {
    const name = metadata.labels?.[SERVICE_NAME_LABEL];
    if (name === undefined) return;
    const service = this.#objects.store.get("Service", `${metadata.namespace}/${name}`);
    if (service) this.#plan(service);
  }

  #plan({ metadata: { namespace, name } }: ApiObject): void {
    this.#due.add(`${namespace}/${name}`);
    this.#arm();
  }

  #arm(): void {
    if (this.#timer !== null || this.#isPaused || this.#due.size === 0) return;
    this.#timer = this.#clock.setTimer(0, () => {
      this.#timer = null;
      if (this.#isPaused) return;
      const due = [...this.#due];
      this.#due.clear();
      for (const key of due) this.#sync(key);
    });
    this.#timer.unref();
  }

  #sync(key: string): void {
    const { store } = this.#objects;
    const [namespace, name] = key.split("/") as [string, string];
    const slices = [...store.all("EndpointSlice")].filter(
      (slice) => slice.metadata.namespace === namespace && isManagedFor(slice, name),
    );
    const service = store.get("Service", key);
    if (!service) {
      for (const slice of slices) this.#remove(slice);
      return;
    }
    if (!isSelecting(service)) return;
    const pods = [...store.all("Pod")].filter((pod) => selects(service, pod)).sort(byName);
    const nodeOf = (node: string): ApiObject | undefined => store.get("Node", node);
    const plan = planSlices({ service, pods, nodeOf, slices: slices.sort(byName) });
    for (const slice of plan.create) this.#objects.create("EndpointSlice", namespace, slice);
    for (const slice of plan.update) this.#objects.update(nameOf(slice), slice);
    for (const slice of plan.remove) this.#remove(slice);
  }

  #remove(slice: ApiObject): void {
    this.#objects.delete(nameOf(slice));
  }
}

function nameOf({ kind, metadata: { namespace = "", name } }: ApiObject) {
  return { kind, namespace, name };
}

/** By number where names have one, so that pod 10 comes after pod 9. */
function byName(a: ApiObject, b: ApiObject): number {
  return asText(a.metadata.name).localeCompare(asText(b.metadata.name), "en", { numeric: true });
}
