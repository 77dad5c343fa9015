/**
 * What a benchmark found, as text: a table per load, then each target with pass or fail.
 */
import type { Load } from "./loads/index.ts";
import type { Round } from "./measure.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { ABSOLUTE_TARGETS, FLATNESS_TARGETS, RATIO_TARGETS } from "./targets.ts";

/** Rounds of one load by proxy, as they are kept in bench/results/. */
export interface LoadRounds {
  readonly load: string;
  readonly title: string;
  readonly unit: string;
  readonly rounds: Readonly<Record<string, readonly Round[]>>;
}

/** A target beside what was measured. */
export interface Verdict {
  readonly what: string;
  readonly wanted: string;
  readonly measured: string;
  /** Null when it was not measured. */
  readonly isMet: boolean | null;
}

/** The line printed when a measurement is done. */
export function describeRound(load: Load, proxy: string, round: number, result: Round): string {
  const when = round === 0 ? "warm-up" : `round ${round}`;
  const head = `  ${when.padEnd(8)} ${proxy.padEnd(10)}`;
  const isWarm = round === 0 && result.disqualified === null;
  if (isWarm) return `${head} ${Math.round(result.callsPerSecond)} calls/s`;
  if (result.disqualified !== null) return `${head} DISQUALIFIED: ${result.disqualified}`;
  const speed = load.kind === "memory" ? "" : `  ${Math.round(result.callsPerSecond)} calls/s`;
  const rss = `  RSS ${(result.rssBytes / 1e6).toFixed(0)} MB`;
  return `${head} ${short(result.cost).padStart(7)} ${load.unit}${latencies(result)}${speed}${rss}`;
}

function latencies(round: Round): string {
  if (round.p50Ms === null || round.p99Ms === null) return "";
  return `  p50 ${short(round.p50Ms)} p99 ${short(round.p99Ms)} ms`;
}

/** A Markdown table of one load: a row per proxy, ratios as fairlead / proxy. */
export function loadTable(result: LoadRounds): string {
  const head = `| proxy | ${result.unit} min / median / max | fairlead / proxy | p50 / p99 ms | calls/s | RSS MB | rounds |`;
  const rows = Object.entries(result.rounds).map(([proxy, rounds]) => {
    const good = rounds.filter((round) => round.disqualified === null);
    if (good.length === 0) {
      return `| ${proxy} | - | - | - | - | - | 0: ${rounds[0]?.disqualified ?? "not measured"} |`;
    }
    const cells = [
      proxy,
      spread(spreadOf(good.map((round) => round.cost))),
      proxy === "fairlead" ? "" : spread(ratioSpread(result, proxy)),
      `${middle(good, (r) => r.p50Ms)} / ${middle(good, (r) => r.p99Ms)}`,
      middle(good, (r) => (r.callsPerSecond > 0 ? Math.round(r.callsPerSecond) : null)),
      middle(good, (r) => r.rssBytes / 1e6),
      describeRounds(rounds),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [head, "|---|---|---|---|---|---|---|", ...rows].join("\n");
}

/** How many rounds counted, and why others did not. */
export function describeRounds(rounds: readonly Round[]): string {
  const bad = rounds.filter((round) => round.disqualified !== null);
  if (bad.length === 0) return String(rounds.length);
  return `${rounds.length - bad.length} of ${rounds.length}: ${bad[0]?.disqualified}`;
}

/** Our cost divided by the other's, round by round; null without a common good round. */
export function ratioSpread(
  result: Pick<LoadRounds, "rounds">,
  other: string,
  our = "fairlead",
): Spread | null {
  const ours = result.rounds[our] ?? [];
  const theirs = result.rounds[other] ?? [];
  const ratios: number[] = [];
  for (let i = 0; i < Math.min(ours.length, theirs.length); i += 1) {
    const [one, two] = [ours[i] as Round, theirs[i] as Round];
    if (one.disqualified === null && two.disqualified === null) ratios.push(one.cost / two.cost);
  }
  return spreadOf(ratios);
}

/** Every target beside what was measured. */
export function verdicts(results: readonly LoadRounds[]): readonly Verdict[] {
  return [...ratioVerdicts(results), ...absoluteVerdicts(results), ...flatnessVerdicts(results)];
}

function ratioVerdicts(results: readonly LoadRounds[]): Verdict[] {
  return RATIO_TARGETS.map(({ load, peer, ratioMax }) => {
    const result = results.find((each) => each.load === load);
    const ratio = result === undefined ? null : ratioSpread(result, peer);
    return {
      what: `${load}: fairlead / ${peer}`,
      wanted: `<= ${ratioMax}`,
      measured: spread(ratio),
      isMet: ratio === null ? null : ratio.median <= ratioMax,
    };
  });
}

function absoluteVerdicts(results: readonly LoadRounds[]): Verdict[] {
  return ABSOLUTE_TARGETS.map(({ load, of, max }) => {
    const result = results.find((each) => each.load === load);
    const good = (result?.rounds.fairlead ?? []).filter((round) => round.disqualified === null);
    const found = spreadOf(good.map((r) => (of === "cost" ? r.cost : r.rssBytes / 1e6)));
    return {
      what: `${load}: ${of === "cost" ? (result?.unit ?? "cost") : "RSS after it, MB"}`,
      wanted: `<= ${max}`,
      measured: spread(found),
      isMet: found === null ? null : found.median <= max,
    };
  });
}

function flatnessVerdicts(results: readonly LoadRounds[]): Verdict[] {
  return FLATNESS_TARGETS.map(({ load, base, ratioMax }) => {
    const [many, few] = [load, base].map((name) => medianCost(results, name, "fairlead"));
    const ratio = many && few ? many / few : null;
    return {
      what: `${load} / ${base}`,
      wanted: `<= ${ratioMax}`,
      measured: ratio === null ? "-" : short(ratio),
      isMet: ratio === null ? null : ratio <= ratioMax,
    };
  });
}

/** A proxy's median cost under a load; null when it has no good round. */
function medianCost(results: readonly LoadRounds[], load: string, proxy: string): number | null {
  const rounds = results.find((each) => each.load === load)?.rounds[proxy] ?? [];
  const good = rounds.filter((round) => round.disqualified === null);
  return spreadOf(good.map((round) => round.cost))?.median ?? null;
}

/** The verdicts as a Markdown table. */
export function verdictTable(list: readonly Verdict[]): string {
  const rows = list.map((verdict) => {
    const word = verdict.isMet === null ? "not measured" : verdict.isMet ? "pass" : "FAIL";
    return `| ${verdict.what} | ${verdict.wanted} | ${verdict.measured} | ${word} |`;
  });
  return [
    "| target | wanted | measured min / median / max | verdict |",
    "|---|---|---|---|",
    ...rows,
  ].join("\n");
}

/** The median of something over the rounds that have it; "-" when none has. */
export function middle(rounds: readonly Round[], of: (round: Round) => number | null): string {
  const values = rounds.map(of).filter((value) => value !== null);
  const median = spreadOf(values)?.median;
  return median === undefined ? "-" : short(median);
}

/** Least, **middle** and greatest; "-" when nothing was measured. */
export function spread(value: Spread | null): string {
  if (value === null) return "-";
  return `${short(value.min)} / **${short(value.median)}** / ${short(value.max)}`;
}

/** About three significant digits, never an exponent. */
export function short(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 4));
}
