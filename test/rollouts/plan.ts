/**
 * What a caller process is told, and what a call is to be: data only.
 */

import type { AttemptCount } from "./attempts.ts";

/** By which way a caller reaches the pods. */
export type Way = "headless" | "client" | "plain" | "proxy";

/** All of them. */
export const WAYS: readonly Way[] = ["headless", "client", "plain", "proxy"];

/** How much, and what. */
export interface Load {
  /** Calls in flight. */
  readonly concurrency: number;
  /** Between the end of a call and the next one in its place. */
  readonly pauseMs: number;
  /** Share of streams among the calls; the others are unary. */
  readonly streamShare: number;
  /** Share of calls that the caller gives up before their end. */
  readonly cancelShare: number;
  readonly bytesMax: number;
  readonly unaryMsMax: number;
  readonly streamMsMax: number;
  readonly deadlineMs: number;
  /** How often the channel's own counts of its endpoints are read. */
  readonly lookMs: number;
}

/** The whole of what a caller is told. */
export interface CallerPlan {
  /** Prefix of all ids. */
  readonly way: string;
  /** Whose channel: stock grpc-js, fairlead's under grpc-js, or the plain API. */
  readonly channel: "stock" | "fairlead" | "plain";
  readonly target: string;
  /** Service config JSON; "" for none. */
  readonly serviceConfig: string;
  /** For targets of scheme `kubernetes`; "" for none. */
  readonly kubeconfig: string;
  readonly journal: string;
  readonly seed: number;
  readonly load: Load;
}

/** One call. */
export interface CallPlan {
  readonly id: string;
  readonly kind: "unary" | "stream";
  /** Of each message. */
  readonly bytes: number;
  readonly lastsMs: number;
  /** Of a stream. */
  readonly messages: number;
  readonly deadlineMs: number;
  /** When the caller gives it up; null: it does not. */
  readonly cancelAfterMs: number | null;
}

/** How a call ended. */
export interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly pod: string | null;
  readonly isCancelled: boolean;
}

/** The last figures of a caller's channel. */
export interface CallerFigures {
  /** Attempts by uid of the pod; nothing for a stock channel. */
  readonly attempts: Readonly<Record<string, AttemptCount>>;
  /** Calls sent again elsewhere; 0 for a stock channel. */
  readonly replays: number;
  /** What should be gone with the channel and is not, with its number. */
  readonly left: Readonly<Record<string, number>>;
}
