/**
 * What each of the latest events did to each lane, below the table that is read when all is over: a
 * line an event, a column a lane.
 *
 * Pure. One event alone is told by the figures of the table (`table-figures.ts`).
 */
import type { EffectFigures } from "../figures/effect.ts";
import { percentText } from "../figures/number-words.ts";
import type { LabEvent, LabView, LaneView } from "../view.ts";
import { millis } from "./table-figures.ts";
import { type Columns, cell, row } from "./table-pen.ts";

/** So many of the latest are told. */
const EVENTS_MAX = 12;
/** Longer names of events are cut. */
const LABEL_MAX = 20;
const TITLE = "SINCE";

/** What a cell tells, the most important first; narrow columns have the first ones alone. */
const PARTS: readonly {
  readonly says: string;
  text(effect: EffectFigures): string;
}[] = [
  { says: "failed/calls", text: ({ failed, calls }) => `${failed}/${calls}` },
  { says: "p99", text: ({ p99Ms }) => (p99Ms === null ? "-" : `${millis(p99Ms, 2)} ms`) },
  {
    says: "share of the pod",
    text: ({ podShare }) => (podShare === null ? "" : percentText(podShare)),
  },
];

/** The lines, in the width of the table's columns; none with less than two events, or no room. */
export function effectLines({ events, lanes }: LabView, table: Columns): string[] {
  const done = events.filter(({ isOutcome }) => !isOutcome).slice(-EVENTS_MAX);
  if (done.length < 2) return [];
  const columns = ownColumns(done, lanes.length, table);
  const { pen, labelWidth, laneWidth } = columns;
  const effects = done.map((event) => lanes.map((lane) => effectOf(lane, event)));
  const known = effects.flat().filter((effect) => effect !== null);
  const partCount = PARTS.findLastIndex(
    (_, last) => Math.max(...known.map((effect) => cellText(effect, last + 1).length)) <= laneWidth,
  );
  if (partCount < 0) return [];
  const says = PARTS.slice(0, partCount + 1).map((part) => part.says);
  return [
    "",
    row(
      columns,
      pen.style("dim", pen.fit(TITLE, labelWidth)),
      lanes.map(({ name }) => pen.style("dim", cell(columns, name))),
    ),
    ...done.map(({ event }, nth) =>
      row(
        columns,
        pen.fit(event, labelWidth),
        effects[nth]!.map((effect) =>
          cell(columns, effect === null ? "-" : cellText(effect, partCount + 1)),
        ),
      ),
    ),
    pen.style("dim", pen.cut(`${says.join(", ")}; each until the next event`, pen.size.columns)),
  ];
}

/** The names of events may need more room than those of pods: lanes give it. */
function ownColumns(done: readonly LabEvent[], lanes: number, table: Columns): Columns {
  const { labelWidth, laneWidth, gap } = table;
  const longest = Math.min(LABEL_MAX, Math.max(...done.map(({ event }) => event.length)));
  const more = Math.max(0, longest - labelWidth);
  const given = Math.ceil(more / lanes);
  return { ...table, labelWidth: labelWidth + more, laneWidth: laneWidth - given, gap };
}

/** Null: the lane was not there, or the event is older than what it has kept. */
function effectOf({ effects }: LaneView, { atMs, event }: LabEvent): EffectFigures | null {
  return effects.find((effect) => effect.atMs === atMs && effect.event === event) ?? null;
}

function cellText(effect: EffectFigures, parts: number): string {
  if (effect.calls === 0) return "-";
  const texts = PARTS.slice(0, parts).map((part) => part.text(effect));
  return texts.join(" ").trimEnd();
}
