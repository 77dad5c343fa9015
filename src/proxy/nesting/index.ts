/**
 * Several replicas of a proxy, evened out: `--peers`, and connections that end by age.
 *
 * Promises: connections end by the two-step GOAWAY alone, so that no call fails for it; none
 * younger than 10 s is shed; nothing is shed at rest, and never more than the budget, whatever
 * peers say. The decision (`ShedPlanner`, `chooseSheds`, `splitOrder`) is pure. Must never relay a
 * call or choose an endpoint.
 */
export { type DownstreamConnection, Downstreams } from "./downstreams.ts";
export type { LoadFigures } from "./load.ts";
export { Nesting, type ShedGroup } from "./nesting.ts";
export type { ShedOrder } from "./shed-order.ts";
export type { WorkerLoad, WorkerOrder } from "./shed-split.ts";
export {
  type BalanceView,
  type ConnectionsView,
  type ConnectionView,
  type DownstreamsView,
  mergeDownstreams,
  type PeerState,
  type PeerView,
  type ShedView,
  withoutPeers,
} from "./view.ts";
