/**
 * Room `control`: the control plane.
 *
 * What it is: Kubernetes objects -> snapshots of xDS resources -> ADS, for gRPC clients of every
 * language, Envoy and our own proxy; route status; the sidecar injector. Promises: a replica needs
 * no other, equal objects give equal versions everywhere, and no snapshot mixes two generations.
 * Must never: relay a call, or know the insides of client and proxy.
 */
export type { NodesView, NodeTypeView, NodeView } from "./ads/status.ts";

export {
  type ControlTls,
  INJECT_DEFAULTS,
  type InjectOptions,
  InjectWebhook,
  injectManifest,
  MANIFEST_BYTES_MAX,
  ManifestError,
  type ManifestNote,
  type Rewritten,
  uninjectManifest,
  type WebhookConfig,
} from "./inject/index.ts";
export { ControlObjects, type ControlObjectsDeps } from "./objects/control-objects.ts";
export type {
  ObjectKey,
  ObjectMaps,
  ObjectsListener,
  ObjectsProblem,
  ObjectsState,
  TouchedKeys,
} from "./objects/state.ts";
export type { AdminPage, AdminPages } from "./plane/admin.ts";
export {
  CONTROL_DEFAULTS,
  type ControlAddresses,
  type ControlConfig,
  ControlPlane,
  type ControlSystem,
  type StatusJudge,
} from "./plane/control-plane.ts";
export { RoutePlanning } from "./plane/routes.ts";
export type {
  NodeInfo,
  NodeKind,
  Resource,
  SnapshotChange,
  SnapshotListener,
  SnapshotSource,
  View,
} from "./resources.ts";
export type { RoutePlanner } from "./snapshot/snapshots.ts";
export {
  StatusControl,
  type StatusControlDeps,
  type StatusReport,
} from "./status/status-control.ts";
export type { StatusRow } from "./status/tasks.ts";
export type {
  WantedCondition,
  WantedGateway,
  WantedListener,
  WantedParent,
  WantedStatuses,
} from "./status/wanted.ts";
