/**
 * Which statuses are not as they should be: what the objects that are watched say, compared with
 * what is wanted. Nothing is sent here.
 */
import { isDeepStrictEqual } from "node:util";
import type { Json } from "../../base/index.ts";
import {
  type Gateway,
  type GatewayClass,
  type GRPCRoute,
  KINDS,
  type WriteTarget,
} from "../../discovery/index.ts";
import { type ObjectsState, objectKey } from "../objects/state.ts";
import { classStatus, gatewayStatus, routeStatus, watchedStatus } from "./status-json.ts";
import type { WantedCondition, WantedGateway, WantedParent, WantedStatuses } from "./wanted.ts";

/** The status of one object, and what is to become of it. */
export interface StatusTask {
  /** "Gateway prod/edge". */
  readonly id: string;
  /** Where the status is; the object is in the same place without the subresource. */
  readonly target: WriteTarget;
  /** Of the object that was judged: a newer one is judged again before it is written to. */
  readonly generation: number;
  readonly resourceVersion: string;
  readonly wanted: readonly WantedCondition[] | WantedGateway | readonly WantedParent[];
  /** What is wanted, put into a status that is there. @param now RFC 3339 */
  merge(status: Json, now: string): Json;
}

/** No route has a parent of ours. */
const NO_PARENTS: readonly WantedParent[] = Object.freeze([]);

type Judged = GatewayClass | Gateway | GRPCRoute;

/** See the head of this file. */
export class StatusTasks {
  /** What came of an object the last time: as a rule neither it nor what is wanted changes. */
  readonly #known = new WeakMap<Judged, { readonly task: StatusTask; readonly differs: boolean }>();

  /** The statuses that differ from what is wanted, sorted by `id`. */
  differing(state: ObjectsState, wanted: WantedStatuses): readonly StatusTask[] {
    const tasks: StatusTask[] = [];
    for (const [object, task] of this.#all(state, wanted)) {
      if (this.#differs(object, task)) tasks.push(task);
    }
    return tasks.sort(byId);
  }

  /** All statuses as they should be, sorted by `id`. @param now RFC 3339 */
  statuses(state: ObjectsState, wanted: WantedStatuses, now: string): readonly StatusRow[] {
    const rows = [...this.#all(state, wanted)].map(([object, task]) => {
      const { kind, metadata } = object;
      const { namespace, name } = metadata;
      const status = task.merge(watchedStatus(object), now);
      return { id: task.id, kind, namespace, name, status };
    });
    return rows.sort(byId).map(({ id: _id, ...row }) => row);
  }

  *#all(
    { objects }: ObjectsState,
    wanted: WantedStatuses,
  ): Generator<readonly [Judged, StatusTask]> {
    for (const [key, value] of wanted.gatewayClasses) {
      const object = objects.GatewayClass.get(key);
      const merge: StatusTask["merge"] = (status, now) => classStatus(status, value, now);
      if (object) yield [object, taskOf(object, value, merge)];
    }
    for (const [key, value] of wanted.gateways) {
      const object = objects.Gateway.get(key);
      const merge: StatusTask["merge"] = (status, now) => gatewayStatus(status, value, now);
      if (object) yield [object, taskOf(object, value, merge)];
    }
    for (const [key, object] of objects.GRPCRoute) {
      const value = wanted.routes.get(key) ?? NO_PARENTS;
      const same = this.#same(object, value);
      if (same !== null) {
        yield [object, same];
        continue;
      }
      const { namespace } = object.metadata;
      const merge: StatusTask["merge"] = (status, now) =>
        routeStatus(status, value, now, namespace);
      yield [object, taskOf(object, value, merge)];
    }
  }

  /** The task of the last time, where the same list of the same object is wanted. */
  #same(object: Judged, wanted: StatusTask["wanted"]): StatusTask | null {
    const known = this.#known.get(object);
    return known?.task.wanted === wanted ? known.task : null;
  }

  #differs(object: Judged, task: StatusTask): boolean {
    const known = this.#known.get(object);
    if (known?.task === task) return known.differs;
    if (known !== undefined && isDeepStrictEqual(known.task.wanted, task.wanted)) {
      this.#known.set(object, { task, differs: known.differs });
      return known.differs;
    }
    const status = watchedStatus(object);
    const differs = !isDeepStrictEqual(status, task.merge(status, ""));
    this.#known.set(object, { task, differs });
    return differs;
  }
}

/** The status of one object, for people and programs. */
export interface StatusRow {
  readonly kind: string;
  /** "" for a kind that lives in none. */
  readonly namespace: string;
  readonly name: string;
  /** As it is, or would be, written. */
  readonly status: Json;
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}

function taskOf(
  object: Judged,
  wanted: StatusTask["wanted"],
  merge: StatusTask["merge"],
): StatusTask {
  const { kind, metadata } = object;
  const { apiVersion, plural } = KINDS[kind];
  const { namespace, name, generation, resourceVersion } = metadata;
  const target = { apiVersion, plural, namespace, name, subresource: "status" } as const;
  return { id: `${kind} ${objectKey(object)}`, target, generation, resourceVersion, wanted, merge };
}
