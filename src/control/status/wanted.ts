/**
 * What statuses should say: the contract between who judges objects of the Gateway API and who
 * writes it down. Data only; an object that is not here is nobody's business but its own. The
 * statuses of an evaluation (`routes`) are such.
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

/**
 * Of a Gateway. Conditions of other types stay as they are; addresses and listeners are those that
 * are here and no others.
 */
export interface WantedGateway {
  readonly addresses: readonly GatewayAddress[];
  readonly conditions: readonly WantedCondition[];
  readonly listeners: readonly WantedListener[];
}

/** Of one listener of it. */
export type WantedListener = Omit<GatewayListenerStatus, "conditions"> & {
  readonly conditions: readonly WantedCondition[];
};

/** Of a GRPCRoute with respect to one parent of ours. */
export interface WantedParent {
  readonly parentRef: ParentRef;
  readonly conditions: readonly WantedCondition[];
}

/** Of everything. */
export interface WantedStatuses {
  /** Of those that name our controller. Conditions of other types stay as they are. */
  readonly gatewayClasses: ReadonlyMap<ObjectKey, readonly WantedCondition[]>;
  /** Of those of such a class. */
  readonly gateways: ReadonlyMap<ObjectKey, WantedGateway>;
  /**
   * Of routes with parents of ours. Parents of other controllers stay; what was written of parents
   * that are not here goes, from routes that are not here too.
   */
  readonly routes: ReadonlyMap<ObjectKey, readonly WantedParent[]>;
}
