/**
 * The axes of a chart: which values have a tick, and where a value stands.
 */

/** One axis. */
export interface Axis {
  readonly ticks: readonly number[];
  /** Where a value stands, in pixels. */
  at(value: number): number;
}

/** Ticks of a linear axis, about. */
const TICKS = 6;

/**
 * The axis for some values, from pixel `from` to pixel `to`. A linear one begins at 0.
 *
 * @param isWide whether it ends on a tick above the greatest value, as heights do.
 */
export function axisOf(
  values: readonly number[],
  isLog: boolean,
  from: number,
  to: number,
  isWide: boolean,
): Axis {
  const finite = values.filter((value) => Number.isFinite(value) && (!isLog || value > 0));
  const max = finite.reduce((a, b) => Math.max(a, b), Number.MIN_VALUE);
  if (isLog)
    return logAxis(
      finite.reduce((a, b) => Math.min(a, b), max),
      max,
      from,
      to,
    );
  const step = stepOf(Math.max(max, 1e-9) / TICKS);
  const end = isWide ? Math.ceil(max / step - 1e-9) * step : max;
  const ticks: number[] = [];
  for (let i = 0; i * step <= end * (1 + 1e-9); i += 1) ticks.push(i * step);
  return { ticks, at: (value) => from + ((to - from) * value) / end };
}

/** Decades, and as many around the values as needed. */
function logAxis(min: number, max: number, from: number, to: number): Axis {
  const low = Math.floor(Math.log10(min) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(max) - 1e-9));
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  const place = (value: number) => (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low);
  return { ticks, at: (value) => from + (to - from) * place(value) };
}

/** The next of 1, 2, 5, 10, ... */
function stepOf(rough: number): number {
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((each) => each * decade >= rough * (1 - 1e-9));
  return step! * decade;
}

/** A tick in words: 1,500 and 0.05, without digits that say nothing. */
export function tickText(tick: number): string {
  if (tick !== 0 && Math.abs(tick) < 0.001) return tick.toExponential(0);
  return Number(tick.toPrecision(6)).toLocaleString("en-US", { maximumFractionDigits: 4 });
}
