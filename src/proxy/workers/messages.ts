/**
 * What the primary and its workers say to each other over IPC: plain JSON.
 *
 * A worker speaks first ("online"): whatever is sent before it listens would be lost.
 */
import type { EndpointSet } from "../../discovery/index.ts";
import type { MeshProxyConfig, ProxyConfig } from "../config.ts";
import type { ShedOrder } from "../nesting/index.ts";
import type { SetChange } from "./set-change.ts";

/** What a worker can be asked for. */
export type Question =
  | "clusters"
  | "listeners"
  | "routes"
  | "metrics"
  | "readiness"
  | "load"
  | "downstreams";

/** From the primary. */
export type ToWorker =
  | { readonly type: "start"; readonly config: ProxyConfig }
  | { readonly type: "startMesh"; readonly config: MeshProxyConfig }
  /** Of many targets: a configuration as `mesh-text.ts` has it, or why there is no newer one. */
  | { readonly type: "mesh"; readonly text: string }
  | { readonly type: "meshError"; readonly reason: string }
  /** `cluster`: the key of one; absent: the only one. */
  | { readonly type: "endpoints"; readonly cluster?: string; readonly set: EndpointSet }
  /** To the set that was sent before it. */
  | { readonly type: "endpointsChange"; readonly cluster?: string; readonly change: SetChange }
  | { readonly type: "resolverError"; readonly cluster?: string; readonly reason: string }
  | { readonly type: "ask"; readonly id: number; readonly question: Question }
  /** Answered with the number of connections that were closed. */
  | { readonly type: "shed"; readonly id: number; readonly order: ShedOrder }
  | { readonly type: "drain"; readonly by: string }
  | { readonly type: "exit" };

/** From a worker. */
export type FromWorker =
  | { readonly type: "online" }
  | { readonly type: "listening"; readonly addresses: readonly string[] }
  /** It could not start; it exits. */
  | { readonly type: "failed"; readonly reason: string }
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | { readonly type: "resolveNow"; readonly cluster?: string }
  /** It has use for the endpoints of a cluster, which it names by its key. */
  | { readonly type: "resolve"; readonly cluster: string }
  /** A listener of a configuration is bound. */
  | { readonly type: "bound"; readonly address: string; readonly name: string }
  | { readonly type: "drained" };

/** One end of the line. */
export interface Line<In, Out> {
  /** Never throws; what cannot be sent any more is dropped. */
  send(message: Out): void;
  onMessage(fn: (message: In) => void): void;
}
