/**
 * The load of a lane's client: a steady rate of calls with a limit of open ones, from `start` to
 * `stop`, and a report every 100 ms. How a call is made is the program's matter.
 */
import type { Clock } from "../../base/index.ts";
import type { LoadMessage, ReportMessage } from "../messages.ts";
import { Pace } from "./pace.ts";
import type { Tally } from "./tally.ts";

const TICK_MS = 5;
/** From one report to the next. */
export const REPORT_MS = 100;
/** Latencies count from here on: before, all processes of the lab still warm up. */
export const WARM_UP_MS = 500;

/** How a call ended: the name in the answer, or why there was none. */
export type CallEnd = { readonly pod: string } | { readonly failure: string };

/** What the load is made with. */
export interface LoadDeps {
  readonly clock: Clock;
  readonly tally: Tally;
  /** Makes the call of a number, from 0; `onEnd` is called once, later. */
  call(number: number, onEnd: (end: CallEnd) => void): void;
  /** Open connections at this moment. */
  connections(): number;
  /** Sends a report to the lab. */
  tell(report: ReportMessage): void;
}

/** Calls that are made in turn. */
export class Load {
  readonly #deps: LoadDeps;
  #pace: Pace | null = null;
  #callsPerSecond: number;
  #inFlightMax: number;
  #made = 0;
  #inFlight = 0;
  #warmAtMs = Number.POSITIVE_INFINITY;

  constructor(settings: Omit<LoadMessage, "type">, deps: LoadDeps) {
    this.#deps = deps;
    this.#callsPerSecond = settings.callsPerSecond;
    this.#inFlightMax = settings.inFlightMax;
  }

  /** Another load from now on; also before the start. */
  set({ callsPerSecond, inFlightMax }: Omit<LoadMessage, "type">): void {
    this.#callsPerSecond = callsPerSecond;
    this.#inFlightMax = inFlightMax;
    this.#pace?.setRate(callsPerSecond, this.#deps.clock.nowMs());
  }

  start(): void {
    const nowMs = this.#deps.clock.nowMs();
    this.#pace = new Pace(this.#callsPerSecond, nowMs);
    this.#warmAtMs = nowMs + WARM_UP_MS;
    this.#tick();
    this.#deps.clock.setTimer(REPORT_MS, () => this.#reportOn());
  }

  /** No further call; the last report goes out when the calls in flight are over. */
  stop(): void {
    if (this.#pace !== null) this.#deps.tally.gaveUp(this.#pace.takeGivenUp());
    this.#pace = null;
    if (this.#inFlight === 0) this.#report(true);
  }

  #tick(): void {
    if (this.#pace === null) return;
    const { clock, tally } = this.#deps;
    this.#makeDue();
    const dueMs = clock.nowMs() + TICK_MS;
    clock.setTimer(TICK_MS, () => {
      tally.woke(clock.nowMs() - dueMs);
      this.#tick();
    });
  }

  #makeDue(): void {
    const room = this.#inFlightMax - this.#inFlight;
    const calls = this.#pace?.take(room, this.#deps.clock.nowMs()) ?? 0;
    for (let made = 0; made < calls; made += 1) this.#call();
  }

  #call(): void {
    const { clock, tally, call } = this.#deps;
    const startMs = clock.nowMs();
    this.#inFlight += 1;
    call(this.#made, (end) => {
      this.#inFlight -= 1;
      const latencyUs = Math.round((clock.nowMs() - startMs) * 1000);
      if ("failure" in end) tally.failed(end.failure);
      else tally.answered(end.pod, startMs >= this.#warmAtMs ? latencyUs : null);
      // Not left to the next tick: a limit that is reached would then be one of calls a tick.
      if (this.#pace !== null) this.#makeDue();
      else if (this.#inFlight === 0) this.#report(true);
    });
    this.#made += 1;
  }

  #reportOn(): void {
    if (this.#pace === null) return;
    this.#report(false);
    this.#deps.clock.setTimer(REPORT_MS, () => this.#reportOn());
  }

  #report(final: boolean): void {
    const { tally, connections, tell } = this.#deps;
    if (this.#pace !== null) tally.gaveUp(this.#pace.takeGivenUp());
    tell(tally.take(connections(), final));
  }
}
