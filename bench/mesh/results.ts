/**
 * Keeps what the mesh benchmark found: bench/results/mesh.jsonl, and its part of bench/RESULTS.md.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rootDir } from "../../test/peers/paths.ts";
import type { Reaction } from "../reaction/measure.ts";
import type { ReactionSetting } from "../reaction/results.ts";
import { percentile } from "../statistics.ts";
import type { MeshClient, MeshEvent } from "./measure.ts";

/** One client driven by a control plane, and one sort of change. */
export interface MeshResult extends Reaction {
  readonly client: MeshClient;
  readonly event: MeshEvent;
  /** "envoy 1.40.0". */
  readonly version: string;
  readonly setting: ReactionSetting;
}

/** The most that p99 may be, in ms. */
const TARGET_P99_MS = 300;

const jsonFile = join(rootDir, "bench", "results", "mesh.jsonl");

/** Puts these beside what was kept: one line for a client and a sort of change. */
export function keepMesh(results: readonly MeshResult[]): void {
  const all = new Map(
    [...keptMesh(), ...results].map((each) => [`${each.client} ${each.event}`, each]),
  );
  mkdirSync(dirname(jsonFile), { recursive: true });
  // JSON has no Infinity: what was not seen is null.
  writeFileSync(jsonFile, [...all.values()].map((each) => `${JSON.stringify(each)}\n`).join(""));
}

function keptMesh(): MeshResult[] {
  if (!existsSync(jsonFile)) return [];
  const lines = readFileSync(jsonFile, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => {
    const kept = JSON.parse(line) as MeshResult;
    return { ...kept, samplesMs: kept.samplesMs.map((each) => each ?? Number.POSITIVE_INFINITY) };
  });
}

/** The chapter of RESULTS.md; "" without results. */
export function meshChapter(): string {
  const results = keptMesh();
  if (results.length === 0) return "";
  const settings = results.map(({ version, event, setting: { date, machine, node } }) => {
    return `- ${version}, ${event}: ${date.slice(0, 16).replace("T", " ")} UTC, ${machine}, Node ${node}.`;
  });
  return `
# Results of \`npm run bench -- mesh\`

Pods come one by one beside three others under light load, a fifth of a second apart, with a real
kube-apiserver. The time is
from before the write of the EndpointSlice is sent to the first call that a stock server on the new
pod is asked: by a stock Envoy that \`fairlead control\` drives as a sidecar, whose client dials the
cluster IP, and by a stock grpc-go client with an \`xds:///\` target. Services come in the same way:
from before the first of three writes is sent (the Service, its EndpointSlice, and the GRPCRoute that
leads to it from now on) to the first call at its pod, which takes a new cluster. A call that grpc-go
routes before its balancer knows that cluster fails in it ("unknown cluster selected for RPC").

${meshTable(results)}

${settings.join("\n")}
`;
}

/** A row for each result. */
export function meshTable(results: readonly MeshResult[]): string {
  const rows = results.map(({ version, event, samplesMs, failed, calls }) => {
    const sorted = [...samplesMs].sort((a, b) => a - b);
    const of = (share: number) => percentile(sorted, share) ?? Number.NaN;
    const verdict = of(0.99) <= TARGET_P99_MS ? "pass" : "FAIL";
    const target = event === "pod" ? `p99 <= ${TARGET_P99_MS}: ${verdict}` : "none";
    const figures = [of(0.5), of(0.99), sorted.at(-1)!].map(shown);
    const cells = [version, event, sorted.length, ...figures, `${failed} of ${calls}`];
    return `| ${cells.join(" | ")} | ${target} |`;
  });
  const head = "| client | what comes | times | p50 ms | p99 ms | max ms | failed calls | target |";
  return [head, "|---|---|---|---|---|---|---|---|", ...rows].join("\n");
}

function shown(ms: number): string {
  return Number.isFinite(ms) ? ms.toFixed(1) : "not seen";
}
