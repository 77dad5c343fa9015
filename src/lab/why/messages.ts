/**
 * What a lab asks the processes of a lane when somebody wants to know why, and what they say. Types
 * only, as `../messages.ts`, whose unions they belong to.
 */
import type { ClusterView } from "../../cluster/index.ts";

/** Lab to caller or ClusterIP relay: what do you know? */
export interface WhyMessage {
  readonly type: "why";
  /** Goes back with the answer. */
  readonly id: number;
}

/** A call that ended at a caller. */
export interface CallSeen {
  /** Wall clock. */
  readonly atMs: number;
  /** The name in the answer, or "". */
  readonly pod: string;
  readonly latencyMs: number;
  /** "" when it was answered, else its status and details. */
  readonly failure: string;
  /** ip:port at the other end of its connection, as the client sees it; "" when unknown. */
  readonly peer: string;
}

/** An open TCP connection of a caller. */
export interface SocketSeen {
  /** ip:port of both ends, as this process sees them. */
  readonly local: string;
  readonly remote: string;
  /** Wall clock of its being connected. */
  readonly sinceMs: number;
}

/** A subchannel of stock grpc-js, as its channelz has it. */
export interface SubchannelSeen {
  readonly address: string;
  /** "READY". */
  readonly state: string;
  readonly started: number;
  readonly succeeded: number;
  readonly failed: number;
}

/** An answer of DNS to a caller. */
export interface LookupSeen {
  readonly name: string;
  /** Wall clock. */
  readonly atMs: number;
  readonly addresses: readonly string[];
}

/** Caller to lab: what it knows. Lists are bounded (`programs/caller-why.ts`). */
export interface KnownMessage {
  readonly type: "known";
  readonly id: number;
  /** Newest first. */
  readonly calls: readonly CallSeen[];
  readonly sockets: readonly SocketSeen[];
  readonly subchannels: readonly SubchannelSeen[];
  /** The latest, or null when it has asked for none or got none. */
  readonly lookup: LookupSeen | null;
  /** Of fairlead's channel; null of others, and while it is idle. */
  readonly view: ClusterView | null;
}

/** A connection that a ClusterIP relay carries. */
export interface Carried {
  /** ip:port of the client. */
  readonly from: string;
  /** ip:port of the pod. */
  readonly to: string;
}

/** ClusterIP relay to lab: the connections that it carries, the oldest first. */
export interface CarriedMessage {
  readonly type: "carried";
  readonly id: number;
  readonly connections: readonly Carried[];
}
