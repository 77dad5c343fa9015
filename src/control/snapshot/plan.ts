/**
 * What routes come to, as far as a snapshot asks: tables of Services and listeners of Gateways.
 * Data only. Whoever makes it keeps the same object for what did not change.
 */
import type { RouteTable } from "../../routes/index.ts";
import type { ObjectKey } from "../objects/state.ts";

/** See the head of this file. */
export interface RoutePlan {
  /** By the name of the port's cluster; a port that no route is attached to is not in it. */
  readonly services: ReadonlyMap<string, ServiceTables>;
  readonly gateways: ReadonlyMap<ObjectKey, GatewayPlan>;
  /** Gateways that are not ours, and why: "is of GatewayClass x, which does not exist". */
  readonly otherGateways: ReadonlyMap<ObjectKey, string>;
}

/** How calls to a port of a Service are routed. */
export interface ServiceTables {
  /** Of callers in all namespaces that are not in `consumers`. */
  readonly table: RouteTable;
  /** By namespace of the caller. */
  readonly consumers: ReadonlyMap<string, RouteTable>;
}

/** All tables of a port. */
export function tablesOf({ table, consumers }: ServiceTables): readonly RouteTable[] {
  return [table, ...consumers.values()];
}

/** One Gateway that is ours. */
export interface GatewayPlan {
  /** At most one a port. */
  readonly listeners: readonly PlannedListener[];
}

/** What listens on one port. */
export interface PlannedListener {
  readonly port: number;
  readonly chains: readonly PlannedChain[];
}

/** Connections with certain server names, and how their calls are routed. */
export interface PlannedChain {
  /** "a.b" or "*.b", in lower case; empty: any, and plaintext. */
  readonly serverNames: readonly string[];
  /** Keys of Secrets whose certificates it serves; empty: plaintext. */
  readonly secrets: readonly ObjectKey[];
  readonly table: RouteTable;
}

/** Nothing is routed. */
export const EMPTY_PLAN: RoutePlan = {
  services: new Map(),
  gateways: new Map(),
  otherGateways: new Map(),
};
