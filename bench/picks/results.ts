/** Keeps what the benchmark of picks found, and writes its part of bench/RESULTS.md. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rootDir } from "../../test/peers/paths.ts";
import { spread } from "../report.ts";
import { spreadOf } from "../statistics.ts";
import type { PicksReport } from "./program.ts";
import { SIZES, STEP_MS_MAX, SUBJECTS } from "./subjects.ts";

/** One run: by "NAME ENDPOINTS", a report a round. */
export interface PicksResult {
  readonly reports: Readonly<Record<string, readonly PicksReport[]>>;
  readonly setting: { readonly date: string; readonly machine: string; readonly node: string };
}

const jsonFile = join(rootDir, "bench", "results", "picks.json");

/** Replaces what was kept. */
export function keepPicks(result: PicksResult): void {
  mkdirSync(dirname(jsonFile), { recursive: true });
  writeFileSync(jsonFile, `${JSON.stringify(result, null, 2)}\n`);
}

/** The chapter of RESULTS.md; "" when nothing is kept. */
export function picksChapter(): string {
  if (!existsSync(jsonFile)) return "";
  const result = JSON.parse(readFileSync(jsonFile, "utf8")) as PicksResult;
  const { date, machine, node } = result.setting;
  const rounds = Math.max(...Object.values(result.reports).map(({ length }) => length));
  return `
# Results of \`npm run bench -- picks\`

CPU time of one pick, and of all the work when one endpoint is added to that many; the longest piece
is how long that holds up the process, in the quickest of 20 runs of that piece. Each measurement is a process of its own; rounds are
interleaved, and each figure is min / **median** / max over them. Hashing policies hash a key of 36
bytes in each pick; the ring has 65,536 points.

${picksTable(result)}

${rounds} rounds, ${date.slice(0, 16).replace("T", " ")} UTC, ${machine}, Node ${node}.
`;
}

/** A row for each policy and number of endpoints. */
export function picksTable({ reports }: PicksResult): string {
  const rows = SUBJECTS.flatMap(({ name, pickNsMax, updateMsMax }) =>
    SIZES.map((size) => {
      const rounds = reports[`${name} ${size}`];
      if (rounds === undefined) return null;
      const cells = [
        cell(
          rounds.map(({ pickNs }) => pickNs),
          pickNsMax,
        ),
        cell(
          rounds.map(({ updateMs }) => updateMs),
          updateMsMax,
        ),
        cell(
          rounds.map(({ stepMs }) => stepMs),
          STEP_MS_MAX,
        ),
      ];
      return `| ${name} | ${size} | ${cells.join(" | ")} |`;
    }),
  ).filter((row) => row !== null);
  const figures = ["ns a pick", "ms an update", "ms its longest piece"];
  return [
    `| policy | endpoints | ${figures.map((figure) => `${figure} | wanted`).join(" | ")} |`,
    "|---|---|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

/** A figure, and beside it the bound on its median, with the verdict. */
function cell(values: readonly number[], max: number | null): string {
  const found = spreadOf(values);
  if (max === null || found === null) return `${spread(found)} | -`;
  return `${spread(found)} | <= ${max}: ${found.median <= max ? "pass" : "FAIL"}`;
}
