/**
 * What statuses should say: the contract between who judges objects of the Gateway API and who
 * writes it down. Data only; an object that is not here is nobody's business but its own.
 */
import type {
  Condition,
  GatewayAddress,
  GatewayListenerStatus,
  ParentRef,
} from "../../discovery/index.ts";
import type { ObjectKey } from "../objects/state.ts";

/** A condition without its time: when its status changed is known to the object alone. */
export type WantedCondition = Omit<Condition, "lastTransitionTime">;

/** Of a GatewayClass that names our controller. Conditions of other types stay as they are. */
export interface WantedClass {
  readonly conditions: readonly WantedCondition[];
}

/** Of a Gateway of such a class. Conditions of other types stay; addresses and listeners do not. */
export interface WantedGateway {
  readonly addresses: readonly GatewayAddress[];
  readonly conditions: readonly WantedCondition[];
  readonly listeners: readonly WantedListener[];
}

/** Of one listener of it. */
export type WantedListener = Omit<GatewayListenerStatus, "conditions"> & {
  readonly conditions: readonly WantedCondition[];
};

/** Of a GRPCRoute: its parents of our controller. Parents of other controllers stay. */
export interface WantedRoute {
  readonly parents: readonly {
    readonly parentRef: ParentRef;
    readonly conditions: readonly WantedCondition[];
  }[];
}

/** Of everything. */
export interface WantedStatuses {
  readonly classes: ReadonlyMap<ObjectKey, WantedClass>;
  readonly gateways: ReadonlyMap<ObjectKey, WantedGateway>;
  /** All routes, those without a parent of ours with none: what was written before goes. */
  readonly routes: ReadonlyMap<ObjectKey, WantedRoute>;
}
