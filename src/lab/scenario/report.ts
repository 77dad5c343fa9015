/** The report of scenarios in the form that was asked for. Pure. */
import { unreachable } from "../../base/index.ts";
import type { OutputStyle } from "../terminal/table-pen.ts";
import { jsonText } from "./report-json.ts";
import { junitText } from "./report-junit.ts";
import { markdownText } from "./report-markdown.ts";
import { peopleText } from "./report-table.ts";
import type { RunResult } from "./result.ts";

/** Words of `-o`. */
export type ScenarioOutput = "table" | "json" | "junit" | "md";

/** The whole text, with its last end of line. */
export function reportText(run: RunResult, output: ScenarioOutput, style: OutputStyle): string {
  switch (output) {
    case "table":
      return peopleText(run, style);
    case "json":
      return jsonText(run);
    case "junit":
      return junitText(run);
    case "md":
      return markdownText(run);
    default:
      return unreachable(output);
  }
}
