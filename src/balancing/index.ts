/**
 * Room `balancing`: who *should* serve a call.
 *
 * What it is: policies (`least_request` and its like), the pickers that they make, and the part of
 * gRPC service config that names a policy.
 * Promises: a policy works on updates and makes an immutable picker; a pick costs the same with 3
 * endpoints and with 10,000, allocates nothing, and never scans. Chance is an argument.
 * Must never: know sockets, connections, Kubernetes or who asks; read a clock of its own; throw
 * from a pick.
 */
export { LeastRequestPolicy } from "./least-request.ts";
export type { LoadReport } from "./load-report.ts";
export { PickFirstPolicy } from "./pick-first.ts";
export type {
  Balancing,
  EndpointLoad,
  Picker,
  PickerBuild,
  PickRequest,
  PickTarget,
  Policy,
  TargetConnectivity,
  Weighing,
} from "./policy.ts";
export { KNOWN_POLICY_NAMES, PolicyError, parsePolicy, tryParsePolicy } from "./registry.ts";
export { balancingFromServiceConfig } from "./service-config.ts";
