/**
 * Keeps what the client benchmark found, bench/results/client.jsonl, and makes its part of
 * bench/RESULTS.md.
 *
 * A run replaces the loads and figures that it measured and leaves the others as they were, each
 * with its own date.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rootDir } from "../../test/peers/paths.ts";
import type { Round } from "../measure.ts";
import {
  describeRounds,
  middle,
  ratioSpread,
  short,
  spread,
  type Verdict,
  verdictTable,
} from "../report.ts";
import { spreadOf } from "../statistics.ts";
import type { Figure } from "./figures.ts";
import { CLIENT_LOADS } from "./loads.ts";
import { COST_TARGETS, FIGURE_TARGETS } from "./targets.ts";

/** Where and with what something was measured. */
export interface ClientSetting {
  /** ISO 8601. */
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  /** Version by client. */
  readonly versions: Readonly<Record<string, string>>;
}

/** One load's rounds by client. */
export interface KeptClientLoad {
  readonly kind: "load";
  readonly name: string;
  readonly seconds: number;
  readonly rounds: Readonly<Record<string, readonly Round[]>>;
  readonly setting: ClientSetting;
}

/** One figure. */
export interface KeptFigure extends Figure {
  readonly kind: "figure";
  readonly setting: ClientSetting;
}

/** What is kept, one a line. */
export type Kept = KeptClientLoad | KeptFigure;

const jsonFile = join(rootDir, "bench", "results", "client.jsonl");

/** Puts new results beside the kept ones. */
export function keepClient(measured: readonly Kept[]): void {
  const byName = new Map([...keptClient(), ...measured].map((each) => [each.name, each]));
  const order = [...CLIENT_LOADS.map(({ name }) => name), ...Object.keys(FIGURE_TARGETS)];
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  const all = [...byName.values()].sort((a, b) => rank(a.name) - rank(b.name));
  mkdirSync(dirname(jsonFile), { recursive: true });
  writeFileSync(jsonFile, all.map((each) => `${JSON.stringify(each)}\n`).join(""));
}

/** What was kept. */
export function keptClient(): Kept[] {
  if (!existsSync(jsonFile)) return [];
  const lines = readFileSync(jsonFile, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Kept);
}

/** A row for each client: its cost, and our ratios beside it. */
export function clientTable(load: KeptClientLoad): string {
  const per = CLIENT_LOADS.find(({ name }) => name === load.name)?.per ?? "call";
  const head = [
    ...["client", `us/${per} min / median / max`, "client / grpc-js", "client / grpc-go"],
    ...["p50 / p99 ms", `${per}s/s`, "RSS MB", "rounds"],
  ];
  const rows = Object.entries(load.rounds).map(([client, rounds]) => {
    const good = rounds.filter((round) => round.disqualified === null);
    const ratioTo = (peer: string) =>
      peer === client ? "" : spread(ratioSpread(load, peer, client));
    return [
      client,
      spread(spreadOf(good.map((round) => round.cost))),
      ratioTo("grpc-js"),
      ratioTo("grpc-go"),
      `${middle(good, (round) => round.p50Ms)} / ${middle(good, (round) => round.p99Ms)}`,
      middle(good, (round) => Math.round(round.callsPerSecond)),
      middle(good, (round) => round.rssBytes / 1e6),
      describeRounds(rounds).replaceAll("|", "/"),
    ];
  });
  return table(head, rows);
}

/** A row for each figure. */
export function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ title, unit, values }) => [
    title,
    `${spread(spreadOf(values))} ${unit}`.trim(),
    String(values.length),
  ]);
  return table(["what", "min / median / max", "measurements"], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lineOf = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [lineOf(head), `|${"---|".repeat(head.length)}`, ...rows.map(lineOf)].join("\n");
}

/** Every target beside what was measured. */
export function clientVerdicts(kept: readonly Kept[]): readonly Verdict[] {
  const costs = COST_TARGETS.map(({ load, client, peer, ratioMax }): Verdict => {
    const found = kept.find((each) => each.kind === "load" && each.name === load);
    const ratio = found?.kind === "load" ? ratioSpread(found, peer, client) : null;
    return {
      what: `${load}: ${client} / ${peer}`,
      wanted: `<= ${ratioMax}`,
      measured: spread(ratio),
      isMet: ratio === null ? null : ratio.median <= ratioMax,
    };
  });
  const figures = Object.entries(FIGURE_TARGETS).map(([name, max]): Verdict => {
    const found = kept.find((each) => each.kind === "figure" && each.name === name);
    const figure = found?.kind === "figure" ? found : null;
    const values = spreadOf(figure?.values ?? []);
    return {
      what: figure === null ? name : figure.title,
      wanted: `<= ${max} ${figure?.unit ?? ""}`.trim(),
      measured: spread(values),
      isMet: values === null ? null : values.median <= max,
    };
  });
  return [...costs, ...figures];
}

/** The chapter of RESULTS.md; "" without results. */
export function clientChapter(kept: readonly Kept[]): string {
  if (kept.length === 0) return "";
  const loads = kept.filter((each) => each.kind === "load");
  const figures = kept.filter((each) => each.kind === "figure");
  return `
# Results of \`npm run bench -- client\`

Costs are CPU time (user + system) of the client's own process, warm, while it keeps so many calls
in flight; messages have 100 bytes each way and every call a deadline of 5 s. The servers are
grpc-go. fairlead-stub is grpc-js's generic client over \`fairleadChannel\`, fairlead-plain the API
without grpc-js. grpc-js, nice-grpc and grpc-go have round_robin; connect-node, which has no
balancing, one transport a server, taken in turn, and messages in protobuf of the same size.
nice-grpc's deadline is the abort that its middleware does. A quarter of the CPU per message is four
times the messages per CPU-second. Rounds are interleaved and ratios are taken within a round, so
read the ratios. A round in which any call failed, or a server was left out, does not count.

## The client's targets

${verdictTable(clientVerdicts(kept))}
${loads.map(loadChapter).join("")}${figureChapter(figures)}`;
}

function loadChapter(load: KeptClientLoad): string {
  const { versions } = load.setting;
  const clients = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const title = CLIENT_LOADS.find(({ name }) => name === load.name)?.title ?? load.name;
  return `
## ${title[0]?.toUpperCase()}${title.slice(1)}

${clientTable(load)}

\`${load.name}\`, ${short(load.seconds)} s a round, ${whenAndWhere(load.setting)}. ${clients.join("; ")}.
`;
}

function figureChapter(figures: readonly KeptFigure[]): string {
  if (figures.length === 0) return "";
  const settings = new Set(figures.map(({ setting }) => whenAndWhere(setting)));
  return `
## What the client weighs

${figureTable(figures)}

${[...settings].join("; ")}.
`;
}

function whenAndWhere({ date, machine, node }: ClientSetting): string {
  return `${date.slice(0, 16).replace("T", " ")} UTC, ${machine}, Node ${node}`;
}
