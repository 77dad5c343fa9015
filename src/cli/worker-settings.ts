/**
 * What `fairlead proxy --workers N` gives to a worker process when it starts it: a variable of its
 * environment, which also tells that it is one. Imports nothing, for `main.ts` to be quick.
 */
import type { LogOptions } from "./log.ts";

const WORKER_VARIABLE = "FAIRLEAD_WORKER";

/** See the head of this file. */
export interface WorkerSettings {
  /** From 1. */
  readonly worker: number;
  readonly logOptions: LogOptions;
}

/** The variables of a worker's environment. */
export function workerEnvironment(settings: WorkerSettings): Record<string, string> {
  return { [WORKER_VARIABLE]: JSON.stringify(settings) };
}

/** The settings of this process; null when it is no worker. */
export function workerSettings(): WorkerSettings | null {
  const text = process.env[WORKER_VARIABLE];
  if (text === undefined || process.send === undefined) return null;
  return JSON.parse(text) as WorkerSettings;
}
