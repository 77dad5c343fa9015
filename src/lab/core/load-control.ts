/**
 * What the clients of all lanes are told to do, and what the lab itself costs: once a second it
 * asks what the clients told of themselves, and holds the load back when the machine is short
 * (`holding-back.ts`).
 */
import type { Clock, Timer } from "../../base/index.ts";
import type { CpuUsage } from "../load/tally.ts";
import { HoldingBack } from "./holding-back.ts";
import type { LoadSettings } from "./lane-link.ts";
import type { LaneCost } from "./lane-run.ts";

const CHECK_MS = 1000;

/** What it works with. */
export interface LoadControlDeps {
  readonly clock: Clock;
  /** Of the lab's own process. */
  readonly cpuUsage: CpuUsage;
  /** What the lanes' clients told since the last time. */
  takeCosts(): readonly LaneCost[];
  /** Tells all clients. */
  setLoad(load: LoadSettings): void;
}

/** The load of a lab. */
export class LoadControl {
  readonly #deps: LoadControlDeps;
  readonly #atStart: LoadSettings;
  readonly #rule: HoldingBack;
  #wanted: LoadSettings;
  #overheadCpu = 0;
  #cpuMsBefore = 0;
  #checkedAtMs = 0;
  #timer: Timer | null = null;

  constructor(load: LoadSettings, deps: LoadControlDeps) {
    this.#deps = deps;
    this.#atStart = load;
    this.#wanted = load;
    this.#rule = new HoldingBack(load.callsPerSecond);
  }

  /** What was asked for. */
  get wanted(): LoadSettings {
    return this.#wanted;
  }

  /** Calls per second that all lanes were lowered to, or null. */
  get heldBackTo(): number | null {
    return this.#rule.heldBackTo;
  }

  /** How much of one core the lab's process and its clients took in the latest second. */
  get overheadCpu(): number {
    return this.#overheadCpu;
  }

  /** The load has begun. */
  start(): void {
    this.#cpuMsBefore = this.#cpuMs();
    this.#checkedAtMs = this.#deps.clock.nowMs();
    this.#again();
  }

  /** The load has ended. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Another load from now on: what is not given stays. */
  set(change: Partial<LoadSettings>): void {
    this.#wanted = { ...this.#wanted, ...change };
    if (change.callsPerSecond !== undefined) this.#rule.setWanted(change.callsPerSecond);
    this.#tell();
  }

  /** As at the start. */
  reset(): void {
    this.set(this.#atStart);
  }

  #again(): void {
    this.#timer = this.#deps.clock.setTimer(CHECK_MS, () => {
      this.#check();
      this.#again();
    });
    this.#timer.unref();
  }

  #check(): void {
    const costs = this.#deps.takeCosts();
    const nowMs = this.#deps.clock.nowMs();
    const cpuMs = this.#cpuMs();
    const clientsMs = costs.reduce((total, cost) => total + cost.cpuMs, 0);
    const spanMs = Math.max(1, nowMs - this.#checkedAtMs);
    this.#overheadCpu = (cpuMs - this.#cpuMsBefore + clientsMs) / spanMs;
    this.#cpuMsBefore = cpuMs;
    this.#checkedAtMs = nowMs;
    const before = this.#rule.heldBackTo;
    // A check that came late is of a longer time than one second.
    const perSecond = 1000 / spanMs;
    this.#rule.check(costs.map(({ givenUp, lagMs }) => ({ givenUp: givenUp * perSecond, lagMs })));
    if (this.#rule.heldBackTo !== before) this.#tell();
  }

  #tell(): void {
    const { callsPerSecond, inFlightMax } = this.#wanted;
    this.#deps.setLoad({ callsPerSecond: this.heldBackTo ?? callsPerSecond, inFlightMax });
  }

  #cpuMs(): number {
    const { user, system } = this.#deps.cpuUsage();
    return (user + system) / 1000;
  }
}
