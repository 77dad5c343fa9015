/**
 * What routes and Gateways come to in this control plane: the one place that says who plans them
 * and who judges their statuses.
 */
import type { RoutePlanner } from "../snapshot/snapshots.ts";
import type { StatusJudge } from "./control-plane.ts";

/** Plans nothing: Services are reachable by themselves, as without any route object. */
export const ROUTE_PLANNER: RoutePlanner = { plan: (_state, _touched, before) => before };

/** Null: there are no statuses. */
export const STATUS_JUDGE: StatusJudge | null = null;
