/**
 * Several processes as one proxy: `--workers N`.
 *
 * Promises: connections are handed out in turn; names are resolved once; the admin endpoint answers
 * for all; a crashed worker is replaced; no worker outlives the primary. Must never relay a call.
 */
export { MeshFeed, targetFeed } from "./feeds.ts";
export { forkWorker, workerLine } from "./node-cluster.ts";
export { WorkerError, WorkerPool } from "./pool.ts";
export { type RelayGroup, singleRelay } from "./relay-group.ts";
export { serveWorker } from "./worker.ts";
