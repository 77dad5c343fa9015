/**
 * A caller as a process: started, stopped, and what it wrote down.
 */
import type { RunningProcess } from "../peers/processes.ts";
import { type CallBegun, type CallEnded, readJournal } from "./echo.ts";
import type { CallerFigures, CallerPlan } from "./plan.ts";
import type { Stage } from "./stage.ts";

/** A caller whose channel is closed must end by itself within this time: nothing is left in it. */
const ENDING_MS = 20_000;

/** See the head of this file. */
export class CallerProcess {
  readonly plan: CallerPlan;
  readonly process: RunningProcess;
  figures: CallerFigures | null = null;

  private constructor(plan: CallerPlan, process: RunningProcess) {
    this.plan = plan;
    this.process = process;
  }

  /** Starts it; resolves with its first good answer. */
  static async start(stage: Stage, plan: CallerPlan): Promise<CallerProcess> {
    const process = stage.program(plan.way, "caller", [JSON.stringify(plan)]);
    const caller = new CallerProcess(plan, process);
    await process.waitFor(/^calling$/m, 60_000);
    return caller;
  }

  /** No further calls; resolves when those in flight are over and the process has ended. */
  async stop(): Promise<void> {
    this.process.signal("SIGTERM");
    const [, json] = await this.process.waitFor(/^(\{"figures".*\})$/m, 90_000);
    this.figures = (JSON.parse(json) as { figures: CallerFigures }).figures;
    const timer = setTimeout(() => this.process.kill(), ENDING_MS);
    const exit = await this.process.exited;
    clearTimeout(timer);
    if (exit.code === 0) return;
    const how = exit.code ?? `${exit.signal}, as it did not end by itself`;
    throw new Error(`caller ${this.plan.way} ended with ${how}\n${this.process.output}`);
  }

  /** What it wrote down. */
  journal(): (CallBegun | CallEnded)[] {
    return readJournal<CallBegun | CallEnded>(this.plan.journal);
  }
}
