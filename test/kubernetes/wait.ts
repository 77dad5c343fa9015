/** Waiting for what other processes do. */
import { setTimeout as sleep } from "node:timers/promises";

/** Long enough for a machine that does much else; only what fails takes so long. */
export const WAIT_MS = 30_000;
const POLL_MS = 25;

/** Repeats `look` until it answers true. @throws Error after `waitMs`. */
export async function eventually(
  what: string,
  look: () => Promise<boolean> | boolean,
  waitMs = WAIT_MS,
): Promise<void> {
  const deadline = Date.now() + waitMs;
  while (!(await look())) {
    if (Date.now() > deadline) throw new Error(`not within ${waitMs / 1000} s: ${what}`);
    await sleep(POLL_MS);
  }
}
