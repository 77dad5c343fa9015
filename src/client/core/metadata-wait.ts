/**
 * A call's wait for metadata that takes a while to make (call credentials, a provider): under the
 * call's deadline, and with what the user does meanwhile, which is done after it in the same order.
 */
import type { Timer } from "../../base/index.ts";
import { Status } from "../../grpc/index.ts";
import type { ClientCall } from "./call.ts";

/** Calls a function at a time on the channel's clock. */
export type SetTimer = (atMs: number, fn: () => void) => Timer;

/** One wait; a call has one at the most. */
export class MetadataWait {
  readonly #timer: Timer | null;
  readonly #later: (() => void)[] = [];

  /**
   * @param call is not started, and cancelled when its deadline comes first.
   * @param late the status' details then.
   */
  constructor(call: ClientCall, setTimer: SetTimer, late: string) {
    const { deadlineMs } = call.config;
    const cancel = (): void => call.cancel(Status.DEADLINE_EXCEEDED, late);
    this.#timer = deadlineMs === Number.POSITIVE_INFINITY ? null : setTimer(deadlineMs, cancel);
  }

  /** To be done when the wait ends. */
  add(action: () => void): void {
    this.#later.push(action);
  }

  /** It is over: what waits is done now. */
  end(): void {
    this.drop();
    for (const action of this.#later) action();
  }

  /** It is over, and what waits is not done any more. */
  drop(): void {
    this.#timer?.cancel();
  }
}
