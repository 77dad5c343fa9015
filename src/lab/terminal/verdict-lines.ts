/**
 * The verdicts below the lab's pictures: a sign, the lane's word, and the sentence.
 */
import type { Kind } from "../figures/kind.ts";
import type { LabView, LaneView } from "../view.ts";
import { type Pen, type Style, wrap } from "./table-pen.ts";

const STYLES: Readonly<Record<Kind, Style>> = {
  ...{ good: "cyan", flawed: "yellow", bad: "yellow", waiting: "dim" },
};

/** The sign of a lane's verdict. */
export function signOf({ short }: LaneView, pen: Pen): string {
  return pen.plain(short[0]!);
}

/** The verdicts, each in as many lines as it needs if there is room for that, or cut to one. */
export function verdictLines(view: LabView, pen: Pen, room: number): string[] {
  const whole = linesOf(view, pen, false);
  if (whole.length <= room) return whole;
  const cut = linesOf(view, pen, true);
  if (cut.length <= room) return cut;
  const shown = Math.max(0, room - 1);
  return [...cut.slice(0, shown), pen.more(view.lanes.length - shown, "lanes")].slice(0, room);
}

function linesOf(view: LabView, pen: Pen, isCut: boolean): string[] {
  const nameWidth = Math.max(...view.lanes.map((lane) => lane.name.length));
  const width = Math.max(1, pen.size.columns - nameWidth - 4);
  return view.lanes.flatMap((lane) => {
    const text = lane.phase === "starting" ? "starting" : lane.verdict;
    const lines = isCut ? [cutVerdict(lane, text, width, pen)] : wrap(text, width);
    return lines.map((line, index) => {
      const isFirst = index === 0;
      const label = `${isFirst ? signOf(lane, pen) : " "} ${isFirst ? lane.name : ""}`;
      const style = isFirst ? STYLES[lane.kind] : "dim";
      return pen.style("bold", label.padEnd(nameWidth + 4)) + pen.style(style, line);
    });
  });
}

/** What is wrong comes first where the sentence has no room. */
function cutVerdict({ kind, short }: LaneView, text: string, width: number, pen: Pen): string {
  const words = short.slice(2);
  const isSaid = text.length <= width || kind === "good" || text.startsWith(words);
  return pen.cut(isSaid ? text : `${words}: ${text}`, width);
}
