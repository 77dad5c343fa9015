/**
 * Values of the flags of the long test runs (`npm run rollouts`, `npm run chaos`).
 */

/** A whole number from 0 up. Throws `RangeError` with a sentence that names the flag. */
export function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  throw new RangeError(`--${name} ${text}: must be a whole number`);
}
