/**
 * What of the live picture there is room for: how wide the lanes, how many beside each other, how
 * many rows of pods, and which of the further lines.
 *
 * Pure, and the same for the same size and lab, so that nothing jumps from frame to frame.
 */

/** Before a lane. */
export const LANE_GAP = 2;
/** " 100%" */
export const SHARE_WIDTH = 5;
/** Narrower strips tell too little; wider ones no more. */
const STRIP_MIN = 8;
const STRIP_MAX = 64;
/** Up to so many pods have a row each before there are further lines; more have so many rows. */
const PODS_EACH_A_ROW = 16;
const POD_ROWS_WANTED = 12;
/** With less there are no strips. */
const POD_ROWS_MIN = 2;

/** Further lines, the most important first: these before pods are joined in rows, */
const ESSENTIAL = ["marks", "hint", "event", "figure", "figure"] as const;
/** and these when each pod has its row, or there is room left beside the rows of several. */
const REMAINING = [
  ...["sentences", "figure", "blank", "figure", "legend", "blank", "access", "event", "event"],
  ...["figure", "figure", "figure", "figure", "figure"],
] as const;
/** A kind of further line. */
export type Extra = (typeof ESSENTIAL | typeof REMAINING)[number];

/** What there is to show, and where. */
export interface LivePlace {
  readonly columns: number;
  readonly rows: number;
  readonly lanes: number;
  readonly pods: number;
  readonly labelWidth: number;
  /** Lines that are shown in any case: title, notices. */
  readonly fixed: number;
  /** How often each kind of line could be shown, once unless given. */
  readonly available: Readonly<Partial<Record<Extra, number>>>;
  /** Lines that whole verdicts take beyond one each. */
  readonly sentenceLines: number;
}

/** The plan. */
export interface LivePlan {
  /** Indices of lanes that stand beside each other; none when there is room for verdicts only. */
  readonly bands: readonly (readonly number[])[];
  readonly laneWidth: number;
  /** Rows for pods in each band, at most. */
  readonly podRows: number;
  /** Lines for verdicts, at most. */
  readonly verdictRows: number;
  /** How often each kind of line is shown. */
  readonly extras: Readonly<Partial<Record<Extra, number>>>;
}

/** Makes the plan. */
export function planLive(place: LivePlace): LivePlan {
  const { columns, rows, lanes, pods, labelWidth, fixed } = place;
  const beside = Math.floor((columns - labelWidth) / (LANE_GAP + STRIP_MIN + SHARE_WIDTH));
  const count = Math.ceil(lanes / Math.max(1, beside));
  const perBand = Math.ceil(lanes / count);
  const free = rows - fixed;
  const extras: Partial<Record<Extra, number>> = {};
  let used = 0;
  // Beside the pods each band has a title, and each lane a line of its verdict.
  const podRoom = (more: number): number => Math.floor((free - lanes - used - more) / count) - 1;
  if (beside < 1 || podRoom(0) < POD_ROWS_MIN) {
    return { bands: [], laneWidth: 0, podRows: 0, verdictRows: Math.max(1, free), extras };
  }
  const add = (kinds: readonly Extra[], podRows: number): void => {
    for (const kind of kinds) {
      const shown = extras[kind] ?? 0;
      const height = heightOf(kind, count, place);
      if (shown >= (place.available[kind] ?? 1) || podRoom(height) < podRows) continue;
      used += height;
      extras[kind] = shown + 1;
    }
  };
  add(ESSENTIAL, pods <= PODS_EACH_A_ROW ? pods : POD_ROWS_WANTED);
  const podsPerRow = Math.ceil(pods / podRoom(0));
  const podRows = Math.ceil(pods / podsPerRow);
  add(REMAINING, podRows);
  const widthOfOne = Math.floor((columns - labelWidth) / perBand) - LANE_GAP;
  return {
    bands: Array.from({ length: count }, (_, band) => indices(lanes, band, perBand)),
    laneWidth: Math.min(widthOfOne, STRIP_MAX + SHARE_WIDTH),
    ...{ podRows, extras },
    verdictRows: lanes + (extras.sentences ? place.sentenceLines : 0),
  };
}

function heightOf(kind: Extra, bands: number, { sentenceLines }: LivePlace): number {
  if (kind === "sentences") return sentenceLines;
  return kind === "marks" || kind === "figure" ? bands : 1;
}

function indices(lanes: number, band: number, perBand: number): number[] {
  const all = Array.from({ length: lanes }, (_, lane) => lane);
  return all.slice(band * perBand, (band + 1) * perBand);
}
