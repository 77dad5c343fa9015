/**
 * What the primary and its workers say to each other over IPC: plain JSON.
 *
 * A worker speaks first ("online"): whatever is sent before it listens would be lost.
 */
import type { EndpointSet } from "../../discovery/index.ts";
import type { ProxyConfig } from "../config.ts";
import type { ShedOrder } from "../nesting/index.ts";
import type { SetChange } from "./set-change.ts";

/** What a worker can be asked for. */
export type Question = "clusters" | "metrics" | "readiness" | "load" | "downstreams";

/** From the primary. */
export type ToWorker =
  | { readonly type: "start"; readonly config: ProxyConfig }
  | { readonly type: "endpoints"; readonly set: EndpointSet }
  /** To the set that was sent before it. */
  | { readonly type: "endpointsChange"; readonly change: SetChange }
  | { readonly type: "resolverError"; readonly reason: string }
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
  | { readonly type: "resolveNow" }
  | { readonly type: "drained" };

/** One end of the line. */
export interface Line<In, Out> {
  /** Never throws; what cannot be sent any more is dropped. */
  send(message: Out): void;
  onMessage(fn: (message: In) => void): void;
}
