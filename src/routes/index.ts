/**
 * Room `routes`: what a route means.
 *
 * What it is: route tables (virtual hosts, matches and their precedence, weights, filters) as
 * immutable data, the search of a table for a call, and what GRPCRoutes and Gateways come to when
 * they are taken together. Promises: pure; the same objects give the same table in any order.
 * Must never: open a socket, know xDS, or know what a cluster does with a call.
 */
export { HeaderChanger, joinChanges } from "./change-headers.ts";
export { isSampled } from "./choose.ts";
export {
  clusterNameOf,
  clusterNamesOf,
  parseClusterName,
  type ServiceClusterName,
} from "./cluster-names.ts";
export type {
  Fault,
  JudgedCondition,
  JudgedGateway,
  JudgedListener,
  JudgedParent,
} from "./conditions.ts";
export { CONTROLLER_NAME } from "./conditions.ts";
export { type Evaluation, type GatewayRoutes, RouteEvaluator, type Statuses } from "./evaluate.ts";
export { RouteFinder } from "./find-route.ts";
export { STATUS_ADDRESSES_MAX } from "./gateway-addresses.ts";
export type { GatewayChain, GatewayPort } from "./gateway-state.ts";
export type { ListenerCertificate } from "./judge-listener.ts";
export type { RequestHeaders } from "./match.ts";
export { type PreparedCluster, PreparedForward } from "./prepared-forward.ts";
export { parseRegex } from "./regex.ts";
export { GATEWAY_GROUP, type RouteObjects } from "./route-objects.ts";
export { defaultTable, type ServicePortRoutes, type ServiceRoutes } from "./service-state.ts";
export { StatusFaults } from "./status-faults.ts";
export type {
  ForwardAction,
  HeaderChange,
  HeaderMatch,
  Mirror,
  PathMatch,
  RefuseAction,
  Regex,
  Route,
  RouteAction,
  RouteMatch,
  RouteTable,
  VirtualHost,
  WeightedCluster,
} from "./table.ts";
