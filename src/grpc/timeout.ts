/**
 * The coding of `grpc-timeout`: 1 to 8 digits and a unit.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Requests"
 */

/** Longer time-outs count as this: ten years, which no timer should have to wait for. */
export const TIMEOUT_MS_MAX = 10 * 365 * 24 * 3_600_000;

const VALUE_MAX = 99_999_999;
const DIGITS_MAX = 8;

/**
 * The milliseconds in a `grpc-timeout` field, with fractions, or NaN when it is malformed. Zero is
 * accepted, though the grammar wants a positive number: such a call is late already.
 */
export function parseGrpcTimeout(field: string): number {
  const digits = field.length - 1;
  if (digits < 1 || digits > DIGITS_MAX) return Number.NaN;
  let value = 0;
  for (let i = 0; i < digits; i += 1) {
    const digit = field.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return Math.min(inMs(value, field.charCodeAt(digits)), TIMEOUT_MS_MAX);
}

/**
 * The field for a call that has `remainingMs` left. It never says more than that, but for calls
 * with nothing left: those get the shortest time there is, as the grammar has no zero.
 *
 * From a second on in milliseconds: shorter on the wire, and loses less than a thousandth.
 */
export function formatGrpcTimeout(remainingMs: number): string {
  if (!(remainingMs >= 0.000_001)) return "1n";
  if (remainingMs < 0.001) return `${Math.floor(remainingMs * 1_000_000)}n`;
  if (remainingMs < 1000) return `${Math.floor(remainingMs * 1000)}u`;
  if (remainingMs < VALUE_MAX + 1) return `${Math.floor(remainingMs)}m`;
  const seconds = Math.floor(remainingMs / 1000);
  if (seconds <= VALUE_MAX) return `${seconds}S`;
  const minutes = Math.floor(seconds / 60);
  if (minutes <= VALUE_MAX) return `${minutes}M`;
  return `${Math.min(Math.floor(minutes / 60), VALUE_MAX)}H`;
}

/** NaN for an unknown unit. */
function inMs(value: number, unit: number): number {
  switch (unit) {
    case 0x48: // H
      return value * 3_600_000;
    case 0x4d: // M
      return value * 60_000;
    case 0x53: // S
      return value * 1000;
    case 0x6d: // m
      return value;
    case 0x75: // u
      return value / 1000;
    case 0x6e: // n
      return value / 1_000_000;
    default:
      return Number.NaN;
  }
}
