/**
 * Statuses as they are written: what is there, with what is wanted of it. Pure, JSON to JSON.
 *
 * "API Conventions", typical status properties: a condition's `lastTransitionTime` changes with its
 * `status` and with nothing else. Gateway API, RouteParentStatus: an implementation updates and
 * removes entries with its own `controllerName`, and leaves those of others as they are.
 */
import { asJson, type Json } from "../../base/index.ts";
import type { Gateway, GatewayClass, GRPCRoute, ParentRef } from "../../discovery/index.ts";
import { CONTROLLER_NAME, GATEWAY_GROUP } from "../../routes/index.ts";
import type { WantedCondition, WantedGateway, WantedParent } from "./wanted.ts";

/** Parents of a route's status, ours and others' (the API's own limit). */
export const ROUTE_PARENTS_MAX = 32;

/** The status of a GatewayClass. @param now RFC 3339, for conditions that change. */
export function classStatus(
  status: Json,
  conditions: readonly WantedCondition[],
  now: string,
): Json {
  return { ...status, conditions: withConditions(status.conditions, conditions, now, true) };
}

/** The status of a Gateway. */
export function gatewayStatus(status: Json, wanted: WantedGateway, now: string): Json {
  const known = listOf(status.listeners);
  const listeners = wanted.listeners.map(({ conditions, ...listener }) => {
    const before = known.find(({ name }) => name === listener.name);
    return { ...listener, conditions: withConditions(before?.conditions, conditions, now, false) };
  });
  const { addresses } = wanted;
  // An empty list and none are the same.
  const isNone = addresses.length === 0 && listOf(status.addresses).length === 0;
  return {
    ...status,
    ...(isNone ? {} : { addresses }),
    conditions: withConditions(status.conditions, wanted.conditions, now, true),
    listeners,
  };
}

/**
 * The status of a GRPCRoute.
 *
 * @param namespace of the route: that of parents that name none.
 */
export function routeStatus(
  status: Json,
  parents: readonly WantedParent[],
  now: string,
  namespace: string,
): Json {
  const keyOf = (ref: Json | ParentRef) => parentKey(ref as Json, namespace);
  const waiting = new Map(parents.map((parent) => [keyOf(parent.parentRef), parent]));
  const result: Json[] = [];
  for (const entry of listOf(status.parents)) {
    if (entry.controllerName !== CONTROLLER_NAME) {
      result.push(entry);
      continue;
    }
    const key = keyOf(asJson(entry.parentRef));
    const wanted = waiting.get(key);
    if (wanted === undefined) continue;
    waiting.delete(key);
    const conditions = withConditions(entry.conditions, wanted.conditions, now, false);
    result.push({ ...entry, conditions });
  }
  for (const { parentRef, conditions } of waiting.values()) {
    result.push({
      parentRef: withoutNulls(parentRef),
      controllerName: CONTROLLER_NAME,
      conditions: withConditions([], conditions, now, false),
    });
  }
  return { ...status, parents: result.slice(0, ROUTE_PARENTS_MAX) };
}

/** What an object that was watched says in its status, as JSON. */
export function watchedStatus(object: GatewayClass | Gateway | GRPCRoute): Json {
  if (object.kind === "GatewayClass") return { conditions: object.conditions };
  if (object.kind === "Gateway") return { ...object.status };
  const parents = object.parents.map(({ parentRef, ...parent }) => ({
    parentRef: withoutNulls(parentRef),
    ...parent,
  }));
  return { parents };
}

/** @param keepsOthers conditions of types that are not wanted stay: they are somebody else's. */
function withConditions(
  given: unknown,
  wanted: readonly WantedCondition[],
  now: string,
  keepsOthers: boolean,
): Json[] {
  const waiting = new Map(wanted.map((condition) => [condition.type, condition]));
  const result: Json[] = [];
  for (const before of listOf(given)) {
    const condition = waiting.get(String(before.type));
    if (condition !== undefined) {
      waiting.delete(condition.type);
      result.push(withTime(condition, before, now));
    } else if (keepsOthers) result.push(before);
  }
  for (const condition of waiting.values()) result.push(withTime(condition, {}, now));
  return result;
}

function withTime(condition: WantedCondition, before: Json, now: string): Json {
  const { type, status, observedGeneration, reason, message } = condition;
  const isKept = before.status === status && typeof before.lastTransitionTime === "string";
  const lastTransitionTime = isKept ? before.lastTransitionTime : now;
  return { type, status, observedGeneration, lastTransitionTime, reason, message };
}

/** Equal for two ways of saying the same parent. */
function parentKey(ref: Json, namespace: string): string {
  return JSON.stringify([
    ref.group ?? GATEWAY_GROUP,
    ref.kind ?? "Gateway",
    ref.namespace ?? namespace,
    ref.name,
    ref.sectionName ?? null,
    ref.port ?? null,
  ]);
}

function withoutNulls(ref: ParentRef): Json {
  return Object.fromEntries(Object.entries(ref).filter(([, value]) => value !== null));
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(asJson) : [];
}
