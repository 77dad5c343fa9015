/**
 * The client of a lane that is a program of Python: counts what that tells of its calls, and
 * reports as the other clients do.
 *
 * Its sockets are not ours to count: it holds one to each pod that answers.
 */
import type { Clock } from "../../base/index.ts";
import { REPORT_MS, WARM_UP_MS } from "../load/load.ts";
import { Tally } from "../load/tally.ts";
import type { ChildMessage, DialMessage, LoadMessage } from "../messages.ts";
import type { CallerWhy } from "./caller-why.ts";
import { PythonLoad } from "./python-load.ts";

/** Connections are the pods that answered within so long. */
const CONNECTIONS_SPAN_MS = 1000;

/** What it works with. */
export interface PythonCallerDeps {
  readonly clock: Clock;
  tell(message: ChildMessage): void;
  readonly why: CallerWhy;
}

/** See the head of this file. Has the methods of `Load`. */
export class PythonCaller {
  readonly #deps: PythonCallerDeps;
  readonly #python: PythonLoad;
  readonly #tally: Tally;
  /** When each pod last answered. */
  readonly #answeredAtMs = new Map<string, number>();
  /** Processor time of the program so far. */
  #pythonCpuUs = 0;
  #isReady = false;
  #isOn = false;
  #warmAtMs = Number.POSITIVE_INFINITY;

  constructor(dial: DialMessage, deps: PythonCallerDeps) {
    this.#deps = deps;
    const { clock, tell, why } = deps;
    const tally = new Tally(clock, () => this.#cpuUsage());
    this.#tally = tally;
    this.#python = new PythonLoad(dial, {
      onReady: () => {
        this.#isReady = true;
        tell({ type: "ready", client: "grpcio of Python" });
      },
      onCall: ({ pod, latencyUs, failure, cpuUs }) => {
        this.#pythonCpuUs = cpuUs;
        const nowMs = clock.nowMs();
        why.ended(pod, latencyUs / 1000, failure, "");
        if (failure !== "") tally.failed(failure);
        else {
          tally.answered(pod, nowMs >= this.#warmAtMs ? latencyUs : null);
          this.#answeredAtMs.set(pod, nowMs);
        }
      },
      onGivenUp: (calls, lateMs) => {
        tally.gaveUp(calls);
        tally.woke(lateMs);
      },
      onEnded: (reason) => this.#onEnded(reason),
    });
  }

  set(load: Omit<LoadMessage, "type">): void {
    this.#python.set(load);
  }

  start(): void {
    const { clock } = this.#deps;
    this.#isOn = true;
    this.#warmAtMs = clock.nowMs() + WARM_UP_MS;
    this.#python.start();
    clock.setTimer(REPORT_MS, () => this.#reportOn());
  }

  stop(): void {
    this.#isOn = false;
    this.#python.stop();
  }

  #onEnded(reason: string): void {
    if (reason === "") {
      this.#report(true);
      return;
    }
    if (!this.#isReady) {
      this.#deps.tell({ type: "failed", code: "", reason: `Python: ${reason}` });
    }
    process.exit(1);
  }

  #cpuUsage(): { readonly user: number; readonly system: number } {
    const { user, system } = process.cpuUsage();
    return { user: user + this.#pythonCpuUs, system };
  }

  #reportOn(): void {
    if (!this.#isOn) return;
    this.#report(false);
    this.#deps.clock.setTimer(REPORT_MS, () => this.#reportOn());
  }

  #report(final: boolean): void {
    const { clock, tell } = this.#deps;
    const sinceMs = clock.nowMs() - CONNECTIONS_SPAN_MS;
    const connections = [...this.#answeredAtMs.values()].filter((atMs) => atMs >= sinceMs).length;
    tell(this.#tally.take(connections, final));
  }
}
