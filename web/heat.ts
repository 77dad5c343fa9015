/**
 * The scale of the heat strips: one way from dark blue to bright yellow, brighter with every step,
 * told apart with any colour vision and in greyscale. Dark grey is "exists, and gets nothing".
 */

/** Brightest at this many fair shares and above. */
export const FAIR_SHARES_MAX = 3;
/** A pod that gets nothing. */
export const IDLE = "#333840";
/** Places on the scale in fair shares, and their colours. */
const STOPS: readonly (readonly [number, readonly [number, number, number]])[] = [
  [0, [20, 44, 84]],
  [0.5, [34, 84, 152]],
  [1, [82, 146, 214]],
  [1.5, [150, 190, 214]],
  [2, [214, 204, 130]],
  [FAIR_SHARES_MAX, [255, 224, 56]],
];
const STEPS_PER_SHARE = 20;

const COLOURS: readonly string[] = Array.from(
  { length: FAIR_SHARES_MAX * STEPS_PER_SHARE + 1 },
  (_, step) => colourAt(step / STEPS_PER_SHARE),
);

/** The colour of a number of fair shares. */
export function heat(fairShares: number): string {
  if (fairShares <= 0) return IDLE;
  const step = Math.round(Math.min(fairShares, FAIR_SHARES_MAX) * STEPS_PER_SHARE);
  return COLOURS[step]!;
}

/** The scale as a gradient of CSS, from nothing to the brightest. */
export const GRADIENT = `linear-gradient(90deg, ${STOPS.map(
  ([at, rgb]) => `rgb(${rgb.join(" ")}) ${(at / FAIR_SHARES_MAX) * 100}%`,
).join(", ")})`;

function colourAt(fairShares: number): string {
  const above = STOPS.findIndex(([at]) => at >= fairShares);
  const [toAt, to] = STOPS[above]!;
  const [fromAt, from] = STOPS[Math.max(0, above - 1)]!;
  const part = toAt === fromAt ? 0 : (fairShares - fromAt) / (toAt - fromAt);
  return `rgb(${to.map((end, at) => Math.round(from[at]! + (end - from[at]!) * part)).join(" ")})`;
}
