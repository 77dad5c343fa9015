/**
 * Writes statuses: of each object that does not say what it should, one after the other, while this
 * replica leads.
 *
 * Each is read before it is written, so that what others put there since stays, and is written with
 * the version that was read: who was faster is read again. An object whose spec is newer than what
 * was judged waits for the next judgement. What cannot be written waits, longer and longer, and
 * holds back only what fails for the same reason.
 */
import { isDeepStrictEqual } from "node:util";
import { asJson, type Clock, type Logger, type Timer } from "../../base/index.ts";
import type { ObjectWriter, WriteFailure } from "../../discovery/index.ts";
import type { ObjectsState } from "../objects/state.ts";
import { StatusBackoff } from "./status-backoff.ts";
import { type StatusTask, StatusTasks } from "./tasks.ts";
import type { WantedStatuses } from "./wanted.ts";

/** Statuses that are begun to be written a second: each is a read, and a write if needed. */
export const STATUS_WRITES_PER_SECOND_MAX = 20;
/** At the same time. */
export const STATUS_WRITES_AT_ONCE_MAX = 4;
/** How often one status is read again because somebody else wrote the object meanwhile. */
export const CONFLICTS_MAX = 5;

/** What a writer needs. */
export interface StatusWriterDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly writer: ObjectWriter;
  readonly state: ObjectsState;
  /** Whether this replica leads: asked before each write. */
  readonly isLeader: () => boolean;
}

/** How it stands. */
export interface StatusWriterCounts {
  /** Statuses that differ and are not written yet. */
  readonly pending: number;
  /** Written since the start. */
  readonly written: number;
  /** Requests that failed, conflicts not counted. */
  readonly failed: number;
}

/** What was done about an object: nothing more is, until it or what is wanted is another. */
interface Done {
  readonly resourceVersion: string;
  readonly wanted: StatusTask["wanted"];
}

/** See the head of this file. */
export class StatusWriter {
  readonly #deps: StatusWriterDeps;
  readonly #tasks = new StatusTasks();
  readonly #backoff: StatusBackoff;
  #wanted: WantedStatuses | null = null;
  /** What differs, by id; those under way are in `#running` as well. */
  #pending = new Map<string, StatusTask>();
  readonly #running = new Map<string, { close(): void }>();
  readonly #done = new Map<string, Done>();
  #timer: Timer | null = null;
  #nextAtMs = 0;
  #written = 0;
  #failed = 0;
  #isStopped = false;

  constructor(deps: StatusWriterDeps) {
    this.#deps = deps;
    this.#backoff = new StatusBackoff(deps.clock);
  }

  /**
   * What the statuses of the objects as they are now should say.
   *
   * @param wanted the same as before says that no object with a status has changed either.
   */
  setWanted(wanted: WantedStatuses): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    this.refresh();
  }

  /** Looks again at what differs: it leads now, or does not any more. */
  refresh(): void {
    const { state, isLeader } = this.#deps;
    if (this.#isStopped || this.#wanted === null || !isLeader()) {
      this.#setPending([]);
      return;
    }
    const tasks = this.#tasks.differing(state, this.#wanted);
    const ids = new Set(tasks.map(({ id }) => id));
    for (const id of this.#done.keys()) if (!ids.has(id)) this.#done.delete(id);
    this.#setPending(tasks.filter((task) => !this.#isDone(task)));
  }

  #setPending(tasks: readonly StatusTask[]): void {
    this.#pending = new Map(tasks.map((task) => [task.id, task]));
    this.#backoff.retain(this.#pending);
    this.#pump();
  }

  /** Nothing is written any more; what is under way is not heard. */
  stop(): void {
    this.#isStopped = true;
    this.#pending = new Map();
    this.#timer?.cancel();
    for (const request of this.#running.values()) request.close();
    this.#running.clear();
  }

  /** Why statuses are not written; null when they are. */
  get problem(): WriteFailure | null {
    return this.#backoff.problem;
  }

  get counts(): StatusWriterCounts {
    return { pending: this.#pending.size, written: this.#written, failed: this.#failed };
  }

  #isDone({ id, resourceVersion, wanted }: StatusTask): boolean {
    const done = this.#done.get(id);
    // The watch has not told of it yet when it still shows the version that was judged.
    return (
      done !== undefined &&
      done.resourceVersion === resourceVersion &&
      isDeepStrictEqual(done.wanted, wanted)
    );
  }

  #pump(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isStopped || this.#running.size >= STATUS_WRITES_AT_ONCE_MAX) return;
    const { clock } = this.#deps;
    const soonestMs = Math.max(clock.nowMs(), this.#nextAtMs, this.#backoff.allDueMs);
    const next = this.#next(soonestMs);
    if (next === null) return;
    const dueMs = Math.max(soonestMs, this.#backoff.dueMs(next));
    this.#timer = clock.setTimer(dueMs - clock.nowMs(), () => {
      this.#timer = null;
      if (this.#deps.isLeader()) this.#begin(next);
    });
  }

  /** Of those that are due by then the lowest in rank; of none, the one that is due first. */
  #next(byMs: number): StatusTask | null {
    let best: StatusTask | null = null;
    let [bestDueMs, bestRank] = [Number.POSITIVE_INFINITY, 0];
    for (const task of this.#pending.values()) {
      if (this.#running.has(task.id)) continue;
      const dueMs = Math.max(byMs, this.#backoff.dueMs(task));
      const rank = this.#backoff.rank(task);
      if (dueMs > bestDueMs || (dueMs === bestDueMs && rank >= bestRank)) continue;
      if (dueMs === byMs && rank === 0) return task;
      best = task;
      [bestDueMs, bestRank] = [dueMs, rank];
    }
    return best;
  }

  #begin(task: StatusTask): void {
    this.#nextAtMs = this.#deps.clock.nowMs() + 1000 / STATUS_WRITES_PER_SECOND_MAX;
    this.#read(task, 0);
    this.#pump();
  }

  #read(task: StatusTask, conflictCount: number): void {
    const at = { ...task.target, subresource: null };
    const request = this.#deps.writer.send("get", at, null, ({ object, failure }) => {
      if (failure !== null) this.#onFailure(task, failure);
      else this.#write(task, asJson(object), conflictCount);
    });
    this.#running.set(task.id, request);
  }

  #write(task: StatusTask, object: Readonly<Record<string, unknown>>, conflictCount: number): void {
    const { clock, writer, isLeader } = this.#deps;
    const { generation, resourceVersion } = asJson(object.metadata);
    if (!isLeader()) {
      this.#end(task, false);
      return;
    }
    const status = asJson(object.status);
    const merged = task.merge(status, timeText(clock.wallMs()));
    const isNewer = generation !== task.generation;
    if (isNewer || isDeepStrictEqual(status, merged)) {
      this.#end(task, true);
      return;
    }
    const body = { metadata: { resourceVersion }, status: merged };
    const request = writer.send("patch", task.target, body, ({ failure }) => {
      if (failure?.kind === "conflict" && conflictCount < CONFLICTS_MAX) {
        this.#read(task, conflictCount + 1);
      } else if (failure !== null) this.#onFailure(task, failure);
      else {
        this.#written += 1;
        this.#end(task, true);
      }
    });
    this.#running.set(task.id, request);
  }

  /** @param isAnswered the server has said something of it that needs no second try. */
  #end(task: StatusTask, isAnswered: boolean): void {
    this.#running.delete(task.id);
    if (isAnswered) {
      this.#done.set(task.id, task);
      // Unless something else is wanted by now.
      const now = this.#pending.get(task.id);
      if (now !== undefined && this.#isDone(now)) this.#pending.delete(task.id);
      const isWell = this.#backoff.noteGood(task);
      if (isWell) this.#deps.log.info("statuses are written again");
    }
    this.#pump();
  }

  #onFailure(task: StatusTask, failure: WriteFailure): void {
    const { kind, reason } = failure;
    if (kind === "absent") {
      this.#end(task, true); // the watch will say so
      return;
    }
    this.#failed += 1;
    if (kind === "refused") {
      this.#deps.log.warn("a status was refused", { object: task.id, reason });
      this.#end(task, true);
      return;
    }
    // What is no more to be written, by us at least, is no more a problem.
    if (this.#pending.has(task.id) && this.#backoff.noteFailure(task, failure)) {
      this.#deps.log.warn("statuses are not written", { kind, reason });
    }
    this.#end(task, false);
  }
}

/** RFC 3339 of whole seconds, as `metav1.Time` is written. */
export function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d+Z$/, "Z");
}
