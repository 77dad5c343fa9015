/** How long `fairlead why` waits for something usable, and when it need not. */
import type { Clock } from "../base/index.ts";
import type { ClusterView } from "../cluster/index.ts";
import { stopSignal } from "./system.ts";

/** How long to wait for something usable. */
export const WAIT_MS = 5000;
const POLL_MS = 20;

/** Until it is done, the time is over, or a signal comes. */
export async function waitUntil(clock: Clock, isDone: () => boolean): Promise<void> {
  const stop = stopSignal();
  const endMs = clock.nowMs() + WAIT_MS;
  while (!stop.aborted && clock.nowMs() < endMs && !isDone()) {
    await new Promise<void>((resolve) => clock.setTimer(POLL_MS, resolve));
  }
}

/** Whether something is usable and no connection is under way. */
export function isSettled({ endpoints }: ClusterView): boolean {
  return (
    endpoints.some(({ usable }) => usable) && endpoints.every(({ state }) => state !== "CONNECTING")
  );
}
