/**
 * Room `balancing`: who *should* serve a call.
 *
 * What it is: policies (`least_request` and its like), the pickers that they make, what stands
 * around a policy (`outlier_detection`, `random_subsetting`, `priority`, slow start), and the part
 * of gRPC service config that names these.
 * Promises: a policy works on updates and makes an immutable picker; a pick costs the same with 3
 * endpoints and with 10,000, allocates nothing, and never scans. Chance is an argument.
 * Must never: know sockets, connections, Kubernetes or who asks; read a clock of its own; throw
 * from a pick.
 */
export { plainBalancing } from "./around.ts";
export { LeastRequestPolicy } from "./least-request.ts";
export type { LoadReport } from "./load-report.ts";
export { MaglevPolicy } from "./maglev.ts";
export type { OutlierDetectionConfig } from "./outlier-config.ts";
export {
  type DetectionMethod,
  OutlierDetection,
  type OutlierEvents,
  type OutlierTarget,
  type UnenforcedReason,
} from "./outlier-detection.ts";
export type { Outcome, OutlierRecord } from "./outlier-record.ts";
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
export {
  type LevelCount,
  type LevelName,
  type LevelPlan,
  LevelsBuild,
  levelShares,
} from "./priority.ts";
export { type LocalityConfig, parseLocality } from "./priority-config.ts";
export { KNOWN_POLICY_NAMES, PolicyError, parsePolicy, tryParsePolicy } from "./registry.ts";
export { RING_SIZE_CAP_DEFAULT, RING_SIZE_MIN_DEFAULT, RingHashPolicy } from "./ring-hash.ts";
export { balancingFromServiceConfig } from "./service-config.ts";
export {
  parseSlowStart,
  type RampTarget,
  rampWeight,
  type SlowStartConfig,
  SlowStartPicker,
} from "./slow-start.ts";
export { Subsetting, type SubsettingConfig } from "./subsetting.ts";
export { WeightedRoundRobinPolicy } from "./weighted-round-robin.ts";
