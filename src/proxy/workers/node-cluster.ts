/**
 * Worker processes by `node:cluster`, which hands out connections in turn; one that has not yet
 * taken its last connection is passed over.
 *
 * In turn, because with few and long connections any scheme that leaves it to chance (kernel
 * hashing by SO_REUSEPORT) makes the very imbalance that this project exists to cure. The only file
 * that knows `node:cluster`.
 */
import cluster, { type Worker as ClusterWorker } from "node:cluster";
import type { FromWorker, Line, ToWorker } from "./messages.ts";
import type { WorkerProcess } from "./slot.ts";

/** Starts this program once more as a worker, with these variables added to its environment. */
export function forkWorker(environment: Readonly<Record<string, string>>): WorkerProcess {
  cluster.schedulingPolicy = cluster.SCHED_RR;
  const worker = cluster.fork(environment);
  worker.on("error", () => {}); // a send that failed; its exit follows
  return {
    pid: worker.process.pid ?? 0,
    send: (message) => trySend(worker, message),
    onMessage: (fn) => worker.on("message", (message: FromWorker) => fn(message)),
    onExit: (fn) =>
      worker.once("exit", (code, signal) => fn(signal ? `signal ${signal}` : `code ${code}`)),
    kill: () => worker.process.kill("SIGKILL"),
  };
}

/** The worker's end of the line. Without its primary a worker exits: `node:cluster` sees to it. */
export function workerLine(): Line<ToWorker, FromWorker> {
  return {
    send: (message) => {
      if (process.connected) process.send?.(message, undefined, undefined, () => {});
    },
    onMessage: (fn) => process.on("message", (message: ToWorker) => fn(message)),
  };
}

function trySend(worker: ClusterWorker, message: ToWorker): void {
  if (worker.isConnected()) worker.process.send(message, undefined, undefined, () => {});
}
