/**
 * What a load is: something that is done to a proxy, and what it costs the proxy.
 */

/** Where a load is sent. */
export interface Target {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly isTls: boolean;
  /** A directory for scratch files. */
  readonly dir: string;
}

/** What came of sending a load once. */
export interface Sample {
  /** Calls that ended well. */
  readonly calls: number;
  /** Calls that did not; any disqualifies the round. */
  readonly failures: number;
  readonly callsPerSecond: number;
  /** Messages relayed, both ways together. */
  readonly messages: number;
  /** Payload relayed, both ways together. */
  readonly bytes: number;
  /** Latency as the caller sees it; null where this run did not record it. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** What the first failing call said; null when none failed or it is not known. */
  readonly failure: string | null;
}

/** What stands behind the proxy. */
export interface Behind {
  /** nghttpd (answers 100 bytes) or our grpc-go echo server. */
  readonly kind: "nghttpd" | "echo";
  readonly endpoints: number;
  /** One process serves all endpoints, each on an address of its own. */
  readonly isOneProcess?: boolean;
}

interface Common {
  /** As in `--only` and in the results. */
  readonly name: string;
  readonly title: string;
  readonly behind: Behind;
  readonly isTls: boolean;
  /** Client connections held at once. */
  readonly connections: number;
  /** What one unit of `cost` is. */
  readonly unit: string;
}

/** A load whose cost is the CPU time of the proxy per call, per message or per MiB. */
export interface CpuLoad extends Common {
  readonly kind: "cpu";
  readonly per: "call" | "message" | "MiB";
  /**
   * Sends the load for about `seconds`; `rate` (calls per second) is what an earlier run reached,
   * null before the first. Rejects when the client fails as a whole.
   */
  run(target: Target, seconds: number, rate: number | null): Promise<Sample>;
  /** Records latencies apart, where recording them would burden `run`. */
  latency?(
    target: Target,
    rate: number,
  ): Promise<{ readonly p50Ms: number; readonly p99Ms: number } | null>;
}

/** A load whose cost is the memory that the proxy holds for each of many open things. */
export interface MemoryLoad extends Common {
  readonly kind: "memory";
  /** How many things are held open. */
  readonly count: number;
  /** Resolves once all are open (how many really are); `release` lets them go. */
  hold(target: Target): Promise<{ readonly open: number; release(): Promise<void> }>;
}

/** Any load. */
export type Load = CpuLoad | MemoryLoad;
