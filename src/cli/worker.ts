/**
 * A worker process of `fairlead proxy --workers N`: no flags, no admin, no signals of its own.
 *
 * The signals of a terminal reach the whole process group; it is the primary that drains.
 */
import { createMeshProxy, createProxy, serveWorker, workerLine } from "../proxy/index.ts";
import { endProcess, logCrash, STOP_SIGNALS, systemWithLog } from "./system.ts";
import type { WorkerSettings } from "./worker-settings.ts";

/** Serves the primary; the process ends when that says so, or is gone. */
export async function runWorker({ worker, logOptions }: WorkerSettings): Promise<void> {
  for (const signal of STOP_SIGNALS) process.on(signal, () => {});
  const { clock, rng, log } = await systemWithLog(logOptions);
  const own = log.child({ worker });
  logCrash(own);
  serveWorker(workerLine(), {
    ...{ clock, rng, log: own, createProxy, createMeshProxy },
    exit: endProcess,
  });
}
