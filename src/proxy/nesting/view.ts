/**
 * What a proxy shows of its client connections, its sheds and its peers: the JSON of
 * `/connections`, and why each connection was or was not shed.
 *
 * The shapes are a contract with other programs: keys are added, never renamed or dropped. Pure.
 */
import { CONNECTION_LOAD } from "./load.ts";
import { fittingLoad, SHED_AGE_MS_MIN } from "./shed-order.ts";
import type { ShedPlan } from "./shed-planner.ts";

/** One client connection. */
export interface ConnectionView {
  /** The process that has it: the number of a worker, or 0 without workers. */
  readonly worker: number;
  /** Unique within its process. */
  readonly id: number;
  readonly remote: string;
  readonly ageMs: number;
  /** Calls started, and those in flight. */
  readonly calls: number;
  readonly activeCalls: number;
  readonly callsPerSecond: number;
  readonly state: "OPEN" | "DRAINING";
  /** Why it was shed, or closed otherwise, or is let be. */
  readonly reason: string;
}

/** One connection that was shed. */
export interface ShedView {
  readonly worker: number;
  readonly remote: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly ageMs: number;
  readonly activeCalls: number;
  readonly callsPerSecond: number;
  /** Among which the client landed, as far as we know. */
  readonly replicas: number;
  /** Of our replica, in calls per second, before the order that it belonged to. */
  readonly load: number;
  readonly mean: number;
  /** The standard deviation of the replicas' loads over their mean: before, and as expected. */
  readonly spreadBefore: number;
  readonly spreadAfter: number;
  readonly reason: string;
}

/** What one process has. */
export interface DownstreamsView {
  readonly connections: readonly ConnectionView[];
  /** Oldest first. */
  readonly sheds: readonly ShedView[];
}

/** Where a peer stands. */
export type PeerState = "ANSWERING" | "DRAINING" | "SELF" | "SILENT" | "UNKNOWN";

/** One address of the peers' target. */
export interface PeerView {
  readonly address: string;
  readonly state: PeerState;
  /** For people: "answering", "connection refused". */
  readonly reason: string;
  /** What it calls itself; null until it has answered. */
  readonly instance: string | null;
  readonly connections: number | null;
  readonly callsPerSecond: number | null;
  /** Of these figures. */
  readonly ageMs: number | null;
}

/** What the replica makes of its peers; null without `--peers`. */
export interface BalanceView {
  readonly verdict: string;
  readonly reason: string;
  readonly load: number;
  readonly mean: number;
  readonly replicas: number;
}

/** All of it. */
export interface ConnectionsView extends DownstreamsView {
  /** What this replica calls itself; null without `--peers`. */
  readonly instance: string | null;
  readonly balance: BalanceView | null;
  readonly peers: readonly PeerView[];
}

/** Sheds that are remembered and shown, of a process and of all together. */
export const SHEDS_SHOWN_MAX = 100;

/** The views of several processes as one: connections by load, the last of the sheds. */
export function mergeDownstreams(list: readonly DownstreamsView[]): DownstreamsView {
  const connections = list.flatMap((view) => view.connections);
  const sheds = list.flatMap((view) => view.sheds);
  return {
    connections: connections.sort((a, b) => b.callsPerSecond - a.callsPerSecond),
    sheds: sheds.sort((a, b) => (a.at < b.at ? -1 : 1)).slice(-SHEDS_SHOWN_MAX),
  };
}

/** The view of a proxy that knows no peers. */
export function withoutPeers({ connections, sheds }: DownstreamsView): ConnectionsView {
  const explained = explainAll(connections, null);
  return { instance: null, balance: null, peers: [], sheds, connections: explained };
}

/** The connections with the reason why those that are open are not shed. */
export function explainAll(
  connections: readonly ConnectionView[],
  plan: ShedPlan | null,
): ConnectionView[] {
  return connections.map((connection) =>
    connection.state === "OPEN" ? { ...connection, reason: whyOpen(connection, plan) } : connection,
  );
}

function whyOpen({ ageMs, callsPerSecond }: ConnectionView, plan: ShedPlan | null): string {
  if (plan === null) return "kept: no peers are known (--peers)";
  switch (plan.verdict) {
    case "shedding":
    case "waiting":
    case "confirming":
      break;
    default:
      return `kept: ${plan.verdict}: ${plan.reason}`;
  }
  if (ageMs < SHED_AGE_MS_MIN) return `kept: younger than ${SHED_AGE_MS_MIN / 1000} s`;
  const fitting = fittingLoad(plan.replicas, plan.load, plan.totalLoad);
  const load = callsPerSecond + CONNECTION_LOAD;
  if (load > fitting) {
    return `kept: its load of ${load.toFixed(1)} calls/s is more than the ${fitting.toFixed(1)} that fit elsewhere`;
  }
  return `may be shed: ${plan.reason}`;
}
