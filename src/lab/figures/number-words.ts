/** Numbers in words, the same in verdicts, tables, stories, reports and on the page. Pure. */

/** "8.3%"; all and none are "100%" and "0%". */
export function percentText(share: number): string {
  if (share === 0 || share === 1) return share === 0 ? "0%" : "100%";
  return `${(share * 100).toFixed(1)}%`;
}

/** "1.02x": how much more than the mean. */
export function timesText(factor: number): string {
  return `${factor.toFixed(2)}x`;
}

/** "1.46x", "5.7x", "12x": the same in a sentence; two digits where they tell even from uneven. */
export function overText(factor: number): string {
  if (factor < 2) return timesText(factor);
  return `${factor.toFixed(factor < 10 ? 1 : 0)}x`;
}

/** "2.31 ms", "98 ms": a latency. */
export function latencyText(ms: number): string {
  return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}

/** "9 ms", "1.2 s", "45 s", "3 min": a span of time, told in passing. */
export function spanText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.floor(ms / 60_000)} min`;
}

/** "00:12", or "1:00:12": a moment, from the start. */
export function clockText(elapsedMs: number): string {
  const seconds = Math.floor(elapsedMs / 1000);
  const two = (n: number): string => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${minutes}` : minutes;
}

/** "1 call", "2 calls", "7,200 searches". */
export function counted(count: number, thing: string): string {
  const noun = count === 1 ? thing : `${thing}${/(s|ch|x)$/.test(thing) ? "es" : "s"}`;
  return `${count.toLocaleString("en-US")} ${noun}`;
}
