/**
 * Several processes as one proxy: `--workers N`.
 *
 * Promises: connections are handed out in turn; names are resolved once; the admin endpoint answers
 * for all; a crashed worker is replaced; no worker outlives the primary. Must never relay a call.
 */
export { forkWorker, workerLine, workerSettings } from "./cluster.ts";
export { WorkerError, WorkerPool } from "./pool.ts";
export {
  type CreateRelay,
  type RelayGroup,
  type RelaySystem,
  type RelayWorker,
  singleRelay,
} from "./relay-worker.ts";
export { serveWorker } from "./worker.ts";
