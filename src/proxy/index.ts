/**
 * Room `proxy`: the mesh way's data plane.
 *
 * What it is: listeners, the relay of calls between a downstream stream and a cluster's call,
 * drain, the admin endpoint, and worker processes.
 * Promises: any valid HTTP/2 request is relayed with its unknown headers and trailers intact; a
 * refusal carries its reason; a drain loses no call that can finish in its time.
 * Must never: know the client or the control plane.
 */
export {
  AdminServer,
  type AdminSource,
  renderConnections,
  renderTable,
  renderWhy,
} from "./admin/index.ts";
export { type AdminGrpc, startAdminGrpc } from "./admin-grpc.ts";
export {
  CAPTURE_DEFAULTS,
  type CaptureBy,
  type CaptureConfig,
  CaptureError,
  type CaptureMode,
  CaptureRelay,
  type CaptureView,
  loadSocketOptions,
  PROXY_UID,
  type RulesFlavour,
  type RulesSpec,
  rulesScript,
  tryParseCidr,
  tryParsePorts,
} from "./capture/index.ts";
export {
  type FrontConfig,
  type ListenPlace,
  listenForms,
  type MeshProxyConfig,
  type PeersConfig,
  type PolicyChoice,
  PROXY_BOUNDS,
  PROXY_DEFAULTS,
  type ProxyConfig,
  type TcpAddress,
  tryParseListenAddress,
  tryParseTcpAddress,
} from "./config.ts";
export { type ConnectionsView, Nesting, withoutPeers } from "./nesting/index.ts";
export { chosenConfig, configOfChoice } from "./policy-choice.ts";
export {
  createMeshProxy,
  createProxy,
  type MeshProxySystem,
  type Proxy,
  type ProxySystem,
} from "./proxy.ts";
export { type ListenerView, type RouteView, routeViews } from "./serving/views.ts";
export {
  forkWorker,
  MeshFeed,
  type RelayGroup,
  serveWorker,
  singleRelay,
  targetFeed,
  WorkerError,
  WorkerPool,
  workerLine,
} from "./workers/index.ts";
