/**
 * What is allowed of a number, as a scenario writes it: `3`, `"<=1.2"`, `">= 3"`, `">0"`, `"<5"`,
 * `"2..4"`, `"0.33±0.02"` (or `+-`); each number may have a `%`. Pure.
 */

/** A range of numbers. */
export interface Bound {
  readonly min: number;
  readonly max: number;
  /** Whether `min` itself is not allowed; the same for `max`. */
  readonly isMinOpen: boolean;
  readonly isMaxOpen: boolean;
  /** For people: "at most 1.2". */
  readonly text: string;
}

/** For the sentence of what is allowed. */
export const BOUND_FORMS = 'a number, "<=N", ">=N", "<N", ">N", "A..B" or "A±B"; each may have a %';

const NUMBER = String.raw`(-?\d{1,9}(?:\.\d{1,6})?\s*%?)`;
const EXACT = new RegExp(`^${NUMBER}$`);
const COMPARED = new RegExp(String.raw`^(<=|>=|<|>|≤|≥)\s*${NUMBER}$`);
const BETWEEN = new RegExp(String.raw`^${NUMBER}\s*\.\.\s*${NUMBER}$`);
const AROUND = new RegExp(String.raw`^${NUMBER}\s*(?:±|\+-|\+/-)\s*${NUMBER}$`);

/** Rounding must not make 0.1 + 0.2 more than 0.3. */
const EPSILON = 1e-9;

/** Reads one; null when it is none. */
export function parseBound(text: string): Bound | null {
  const trimmed = text.trim();
  const exact = EXACT.exec(trimmed);
  if (exact) return range(numberOf(exact[1]!), numberOf(exact[1]!), exact[1]!);
  const compared = COMPARED.exec(trimmed);
  if (compared) return comparison(compared[1]!, compared[2]!);
  const between = BETWEEN.exec(trimmed);
  if (between) {
    const [low, high] = [numberOf(between[1]!), numberOf(between[2]!)];
    return low > high ? null : range(low, high, `${between[1]} to ${between[2]}`);
  }
  const around = AROUND.exec(trimmed);
  if (!around) return null;
  const [middle, tolerance] = [numberOf(around[1]!), numberOf(around[2]!)];
  if (tolerance < 0) return null;
  return range(middle - tolerance, middle + tolerance, `${around[1]} ± ${around[2]}`);
}

/** Whether a number is within. */
export function isWithin(value: number, { min, max, isMinOpen, isMaxOpen }: Bound): boolean {
  const isAbove = isMinOpen ? value > min : value >= min - EPSILON;
  const isBelow = isMaxOpen ? value < max : value <= max + EPSILON;
  return isAbove && isBelow;
}

function comparison(sign: string, text: string): Bound {
  const value = numberOf(text);
  const all = range(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, "");
  if (sign === "<=" || sign === "≤") return { ...all, max: value, text: `at most ${text}` };
  if (sign === ">=" || sign === "≥") return { ...all, min: value, text: `at least ${text}` };
  if (sign === "<") return { ...all, max: value, isMaxOpen: true, text: `less than ${text}` };
  return { ...all, min: value, isMinOpen: true, text: `more than ${text}` };
}

function range(min: number, max: number, text: string): Bound {
  return { min, max, isMinOpen: false, isMaxOpen: false, text };
}

function numberOf(text: string): number {
  return text.endsWith("%") ? Number(text.slice(0, -1)) / 100 : Number(text);
}
