/**
 * What capture has done so far: counters, and for each destination of late what was decided, why
 * and how often.
 */
import type { Counter, Registry } from "../../telemetry/index.ts";

/** What becomes of a captured connection: label values. */
export type CaptureOutcome = "http2" | "passthrough" | "refused";

/** Why: label values. */
export type CaptureReason =
  | "preface"
  | "unknown_destination"
  | "other_protocol"
  | "silent_client"
  | "ended_client"
  | "inbound"
  | "limit"
  | "not_captured"
  | "loop";

const OUTCOMES: Readonly<Record<CaptureReason, CaptureOutcome>> = {
  preface: "http2",
  unknown_destination: "passthrough",
  other_protocol: "passthrough",
  silent_client: "passthrough",
  ended_client: "passthrough",
  inbound: "passthrough",
  limit: "refused",
  not_captured: "refused",
  loop: "refused",
};

/** In words, for people. */
const WORDS: Readonly<Record<CaptureReason, string>> = {
  preface: "a gRPC port of a Service, and the client speaks HTTP/2",
  unknown_destination: "no gRPC port of a Service that is known",
  other_protocol: "a gRPC port of a Service, but the client speaks something else",
  silent_client: "a gRPC port of a Service, but the client said nothing",
  ended_client: "a gRPC port of a Service, but the client ended without a word",
  inbound: "a connection to this pod",
  limit: "too many connections",
  not_captured: "it was made to our own port, and not captured",
  loop: "it is our own connection: the rules do not exempt this process",
};

/** Decisions that are kept, one for each destination and reason. */
export const DECISIONS_KEPT_MAX = 256;

/** What was decided for a destination, as people see it: there may be several. */
export interface DecisionView {
  /** "10.96.0.1:50051". */
  readonly destination: string;
  /** Name of the listener; null when it is not known. */
  readonly listener: string | null;
  readonly outcome: CaptureOutcome;
  readonly reason: string;
  /** Connections of which it was decided, since this decision is kept. */
  readonly connections: number;
}

interface Decision {
  readonly destination: string;
  readonly listener: string | null;
  readonly reason: CaptureReason;
  readonly connections: number;
}

/** See the head of this file. */
export class CaptureFigures {
  readonly #counters = new Map<CaptureReason, Counter>();
  /** By destination and reason, oldest first. */
  readonly #decisions = new Map<string, Decision>();
  /** Bytes that passed through, once the connection is over. */
  readonly bytesUp: Counter;
  readonly bytesDown: Counter;
  readonly failedConnects: Counter;

  constructor(registry: Registry, open: () => number, known: () => number) {
    for (const reason of Object.keys(OUTCOMES) as CaptureReason[]) {
      const labels = { outcome: OUTCOMES[reason], reason };
      const help = "Captured connections, by what became of them and why.";
      const name = "fairlead_capture_connections_total";
      this.#counters.set(reason, registry.counter(name, help, labels));
    }
    const bytes = "fairlead_capture_passthrough_bytes_total";
    const help = "Bytes of connections that passed through and are over.";
    this.bytesUp = registry.counter(bytes, help, { direction: "up" });
    this.bytesDown = registry.counter(bytes, help, { direction: "down" });
    this.failedConnects = registry.counter(
      "fairlead_capture_passthrough_failures_total",
      "Connections that passed through and did not end in order.",
    );
    const passing = "Connections that pass through now.";
    registry.gauge("fairlead_capture_passthrough_connections", passing, {}, open);
    const destinations = "Addresses and ports of Services that speak gRPC.";
    registry.gauge("fairlead_capture_destinations", destinations, {}, known);
  }

  /** Counts a decision. `destination` is null where it is not known. */
  note(reason: CaptureReason, destination: string | null, listener: string | null): void {
    this.#counters.get(reason)!.add();
    if (destination === null) return;
    const key = `${destination} ${reason}`;
    const connections = (this.#decisions.get(key)?.connections ?? 0) + 1;
    this.#decisions.delete(key);
    this.#decisions.set(key, { destination, listener, reason, connections });
    if (this.#decisions.size <= DECISIONS_KEPT_MAX) return;
    this.#decisions.delete(this.#decisions.keys().next().value!);
  }

  /** The last ones first. */
  decisions(): DecisionView[] {
    return [...this.#decisions.values()]
      .map(({ destination, listener, reason, connections }) => ({
        ...{ destination, listener, connections },
        outcome: OUTCOMES[reason],
        reason: WORDS[reason],
      }))
      .reverse();
  }
}
