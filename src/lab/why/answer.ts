/**
 * What the lab says when it is asked why a pod gets calls or none: the JSON of `GET /why` and
 * `GET /calls`. Types only; `web/` draws them.
 */

/** A pod as one of those who choose in a lane has it; several replicas give it a row each. */
export interface WhyRow {
  readonly pod: string;
  /** Who says so where there are several: "proxy-1"; null where there is one. */
  readonly via: string | null;
  /** ip:port, or "" while it has none. */
  readonly address: string;
  /** "READY" and the like of who keeps a connection to it; "unknown" of who never heard of it. */
  readonly state: string;
  /** Whether the next call could go there. */
  readonly usable: boolean;
  /** Why, in words. */
  readonly reason: string;
  /** Who named it: "EndpointSlice lab/echo-1", "dns", "static", "relay". */
  readonly source: string;
  /** Null where nothing weighs it; as the four that follow where nobody counts. */
  readonly weight: number | null;
  readonly connections: number | null;
  readonly activeCalls: number | null;
  /** Calls that were sent there. */
  readonly calls: number | null;
  /** A recent mean, or null. */
  readonly latencyMs: number | null;
}

/** One step of a decision: what was asked, and what came of it. */
export interface WhyStep {
  readonly rule: string;
  readonly effect: string;
}

/** A command that tells the like in a shell. */
export interface WhyCommand {
  readonly text: string;
  /** What it does, beginning "asks ...". */
  readonly says: string;
}

/** The answer of `GET /why`. */
export interface WhyAnswer {
  readonly lane: string;
  readonly title: string;
  /** Which was asked about, or null for the lane as a whole. */
  readonly pod: string | null;
  /** The balancing policy of who chooses, or null where none is at work. */
  readonly policy: string | null;
  /** Ms of load. */
  readonly asOfMs: number;
  readonly rows: readonly WhyRow[];
  /** For the pod that was asked about; empty for a lane as a whole. */
  readonly decision: readonly WhyStep[];
  /** Sentences for people, with the numbers. */
  readonly story: readonly string[];
  readonly command: WhyCommand | null;
}

/** A call that ended. */
export interface WhyCall {
  /** Ms of load, when it ended. */
  readonly atMs: number;
  /** Who answered, or "" when nobody did. */
  readonly pod: string;
  readonly latencyMs: number;
  /** "OK", or the status and its details: "UNAVAILABLE: sick". */
  readonly status: string;
  /** What made it go there: sentences. */
  readonly why: readonly string[];
}

/** The answer of `GET /calls`: the latest, newest first. */
export interface CallsAnswer {
  readonly calls: readonly WhyCall[];
}
