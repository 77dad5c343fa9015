/**
 * A worker process of `fairlead proxy --workers N`: no flags, no admin, no signals of its own.
 *
 * The signals of a terminal reach the whole process group; it is the primary that drains.
 */
import { createProxy, serveWorker, workerLine, workerSettings } from "../proxy/index.ts";
import type { LogOptions } from "./log.ts";
import { logCrash, systemWithLog } from "./system.ts";
import { CommandError } from "./usage.ts";

/** What the primary gives to a worker when it starts it. */
interface WorkerSettings {
  readonly worker: number;
  readonly logOptions: LogOptions;
}

/** Serves the primary; the process ends when that says so, or is gone. */
export async function runWorker(): Promise<void> {
  const text = workerSettings();
  if (text === null) throw new CommandError("not started by fairlead proxy --workers");
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  const { worker, logOptions } = JSON.parse(text) as WorkerSettings;
  const { clock, rng, log } = await systemWithLog(logOptions);
  const own = log.child({ worker });
  logCrash(own);
  serveWorker(workerLine(), {
    clock,
    rng,
    log: own,
    createRelay: createProxy,
    exit: (code) => process.exit(code),
  });
}
