/** Keeps what the benchmark of the control plane found, and writes its part of bench/RESULTS.md. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rootDir } from "../../test/peers/paths.ts";

/** One size. */
export interface ControlRun {
  readonly services: number;
  readonly nodes: number;
  /** From the start of the nodes' processes until every node has everything. */
  readonly coldStartMs: number;
  readonly coldCpuMs: number;
  /** From a slice's change to the last acknowledgement. */
  readonly lagP50Ms: number;
  readonly lagP99Ms: number;
  /** Nodes that one change concerns. */
  readonly told: number;
  /** Answers to nodes that had not asked for what changed, over all events. */
  readonly strangers: number;
  readonly bytesPerEvent: number;
  readonly eventCpuMs: number;
  readonly rssMb: number;
  readonly rssMbMax: number;
  /** CPU time by time while nothing changes. */
  readonly idleCpuShare: number;
}

/** One run of the benchmark. */
export interface ControlResult {
  readonly runs: readonly ControlRun[];
  readonly setting: { readonly date: string; readonly machine: string; readonly node: string };
}

const COLD_START_MS_MAX = 20_000;
const LAG_P99_MS_MAX = 250;
const RSS_MB_MAX = 300;
const IDLE_CPU_SHARE_MAX = 0.01;
/** The size that the targets are for; others show how costs grow. */
const TARGET_NODES = 1_000;

const jsonFile = join(rootDir, "bench", "results", "control.json");

/** Replaces what was kept of the same sizes. */
export function keepControl({ runs, setting }: ControlResult): void {
  const kept = existsSync(jsonFile)
    ? (JSON.parse(readFileSync(jsonFile, "utf8")) as ControlResult).runs
    : [];
  const bySize = new Map([...kept, ...runs].map((run) => [run.nodes, run]));
  const all = [...bySize.values()].sort((a, b) => a.nodes - b.nodes);
  mkdirSync(dirname(jsonFile), { recursive: true });
  writeFileSync(jsonFile, `${JSON.stringify({ runs: all, setting }, null, 2)}\n`);
}

/** The chapter of RESULTS.md; "" when nothing is kept. */
export function controlChapter(): string {
  if (!existsSync(jsonFile)) return "";
  const result = JSON.parse(readFileSync(jsonFile, "utf8")) as ControlResult;
  const { date, machine, node } = result.setting;
  return `
# Results of \`npm run bench -- control\`

A control plane alone in a process, bundled and with the flags of \`bin/fairlead\`, with ten
endpoints a Service; its nodes are simulated in two other processes on the same machine, each with a
connection and a stream of its own: nine of ten as gRPC clients (state of the world, ten Services
each), the others as Envoys (incremental, everything). A change is one EndpointSlice; its lag ends
when the last node has acknowledged.

${controlTable(result)}

100 changes, ${date.slice(0, 16).replace("T", " ")} UTC, ${machine}, Node ${node}.
`;
}

/** A column for each size. */
export function controlTable({ runs }: ControlResult): string {
  const row = (what: string, show: (run: ControlRun) => string) =>
    `| ${what} | ${runs.map(show).join(" | ")} |`;
  const bounded = (of: (run: ControlRun) => number, max: number, unit: string) => {
    return (run: ControlRun) => {
      const value = of(run);
      const shown = `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ${unit}`;
      if (run.nodes !== TARGET_NODES) return shown;
      return `${shown} (${value <= max ? "pass" : "FAIL"}: at most ${max})`;
    };
  };
  return [
    row("", ({ services, nodes }) => `${services} Services, ${nodes} nodes`),
    `|---|${runs.map(() => "---").join("|")}|`,
    row(
      "cold start of all nodes",
      bounded((run) => run.coldStartMs, COLD_START_MS_MAX, "ms"),
    ),
    row("CPU for that", (run) => `${run.coldCpuMs.toFixed(0)} ms`),
    row("change to last ACK, p50", (run) => `${run.lagP50Ms.toFixed(1)} ms`),
    row(
      "change to last ACK, p99",
      bounded((run) => run.lagP99Ms, LAG_P99_MS_MAX, "ms"),
    ),
    row("nodes told of a change", (run) => `${run.told}`),
    row("answers to others", (run) => `${run.strangers}`),
    row("bytes sent for a change", (run) => `${run.bytesPerEvent.toFixed(0)}`),
    row("CPU for a change", (run) => `${run.eventCpuMs.toFixed(1)} ms`),
    row(
      "RSS at the end",
      bounded((run) => run.rssMb, RSS_MB_MAX, "MB"),
    ),
    row("RSS at most", (run) => `${run.rssMbMax.toFixed(0)} MB`),
    row(
      "CPU while nothing changes, of a core",
      bounded((run) => run.idleCpuShare, IDLE_CPU_SHARE_MAX, ""),
    ),
  ].join("\n");
}
