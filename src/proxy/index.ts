/**
 * Room `proxy`: the data plane of the mesh way.
 *
 * What it is: listeners and the relay of calls between downstream and upstream streams, drain, the
 * admin endpoint, and several worker processes as one proxy.
 * Promises: any valid HTTP/2 request is relayed as it came; every refusal carries its reason; a
 * drain loses no call.
 * Must never: choose an endpoint itself (that is `cluster`'s), or import `client` or `control`.
 */
export {
  AdminServer,
  type AdminSource,
  type ClusterView,
  type EndpointView,
  renderWhy,
} from "./admin/index.ts";
export {
  type PolicyChoice,
  PROXY_BOUNDS,
  PROXY_DEFAULTS,
  type ProxyConfig,
  policyOf,
  type TcpAddress,
  tryParseListenAddress,
  tryParseTcpAddress,
} from "./config.ts";
export {
  forkWorker,
  type RelayGroup,
  serveWorker,
  singleRelay,
  WorkerPool,
  workerLine,
  workerSettings,
} from "./workers/index.ts";
