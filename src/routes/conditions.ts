/** Conditions and statuses as they are judged: what a status writer compares and writes. */
import type { GatewayAddress, GroupKind, ParentRef } from "../discovery/index.ts";

/** The name by which objects choose us (GatewayClass) and by which our statuses are known. */
export const CONTROLLER_NAME = "fairlead.dev/gateway-controller";

/** A condition without the time of its last change, which only who writes it knows. */
export interface JudgedCondition {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}

/** The status of a Gateway. */
export interface JudgedGateway {
  readonly addresses: readonly GatewayAddress[];
  readonly conditions: readonly JudgedCondition[];
  readonly listeners: readonly JudgedListener[];
}

/** The status of one listener. */
export interface JudgedListener {
  readonly name: string;
  readonly supportedKinds: readonly GroupKind[];
  readonly attachedRoutes: number;
  readonly conditions: readonly JudgedCondition[];
}

/** The status of a route with respect to one of its parents. */
export interface JudgedParent {
  readonly parentRef: ParentRef;
  readonly controllerName: string;
  readonly conditions: readonly JudgedCondition[];
}

/** Why something is not as it was meant: a reason of the Gateway API, and one clause. */
export interface Fault {
  readonly reason: string;
  readonly message: string;
}

/**
 * A condition that is good without a fault.
 *
 * @param good reason when there is none.
 * @param bad status that a fault makes: "True" for conditions that say that something is wrong.
 */
export function judged(
  type: string,
  fault: Fault | null,
  observedGeneration: number,
  good: string,
  bad: "True" | "False" = "False",
): JudgedCondition {
  const other = bad === "False" ? "True" : "False";
  const status = fault === null ? other : bad;
  const { reason, message } = fault ?? { reason: good, message: "" };
  return { type, status, reason, message, observedGeneration };
}
