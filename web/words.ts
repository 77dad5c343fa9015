/**
 * Figures in words, the same everywhere on the page.
 */

/** "00:12" */
export function clock(elapsedMs: number): string {
  const seconds = Math.floor(elapsedMs / 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
}

/** "8.3%" */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}

/** "2.31 ms", or a dash. */
export function millis(ms: number | null): string {
  if (ms === null) return "–";
  return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}
