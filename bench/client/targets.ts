/**
 * What the client has to reach: CPU per call beside grpc-js and grpc-go of the same round, and
 * bounds on what it weighs.
 */
import type { LaneName } from "./loads.ts";

/** A bound on the median of one client's cost divided by another's. */
export interface CostTarget {
  readonly load: string;
  readonly client: LaneName;
  readonly peer: LaneName;
  readonly ratioMax: number;
}

const costs: readonly (readonly [string, LaneName, LaneName, number])[] = [
  ["unary-1", "fairlead-stub", "grpc-js", 0.5],
  ["unary-1", "fairlead-plain", "grpc-js", 0.3],
  ["unary-10", "fairlead-stub", "grpc-js", 0.25],
  ["unary-10", "fairlead-plain", "grpc-js", 0.15],
  ["unary-10", "fairlead-plain", "grpc-go", 0.9],
  ["unary-100", "fairlead-stub", "grpc-js", 0.2],
  ["unary-100", "fairlead-plain", "grpc-js", 0.08],
  ["unary-100", "fairlead-plain", "grpc-go", 0.7],
  // Four times the messages per CPU-second: a quarter of the CPU per message.
  ["streams-10", "fairlead-stub", "grpc-js", 0.25],
  ["streams-10", "fairlead-plain", "grpc-js", 0.25],
];

/** Ratios to peers, in the order of the loads. */
export const COST_TARGETS: readonly CostTarget[] = costs.map(([load, client, peer, ratioMax]) => ({
  ...{ load, client, peer, ratioMax },
}));

/** Bounds on figures, by name of the figure (see figures.ts). */
export const FIGURE_TARGETS: Readonly<Record<string, number>> = {
  "import-ms": 25,
  "import-rss": 6,
  "channels-rss": 60,
  "package-size": 600,
  "package-dependencies": 0,
};
