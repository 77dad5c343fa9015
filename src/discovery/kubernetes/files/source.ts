/**
 * The source of objects that are files in a directory: `--objects DIR`. Nothing else is contacted.
 *
 * From the first watch on the directory is looked at when the system hints at a change, and every
 * `FILES_POLL_MS` anyway. Contents are taken in once two looks `SETTLE_MS` apart find them the
 * same, and a file is given up once it is away for two looks: writers that empty a file first, and
 * editors that move it aside, do not make endpoints vanish. Of one object in several files that of
 * the first file by name is used. Large files are read in slices of time.
 *
 * Nobody is told of any object before each file that is there was readable once: what one that is
 * broken since before we started holds would seem not to exist. Later such a file stops nothing.
 */
import { isDeepStrictEqual } from "node:util";
import { type Clock, type Logger, runSlice, type Timer } from "../../../base/index.ts";
import type { KindName, KubernetesObject, ObjectOfKind } from "../objects.ts";
import { matchesQuery } from "../query.ts";
import type {
  ObjectChange,
  ObjectListener,
  ObjectQuery,
  ObjectSource,
  SourceProblem,
  Subscription,
} from "../source.ts";
import { checkDirectory, FilesError, listFiles, readText, watchDirectory } from "./directory.ts";
import { type FileNote, ObjectFile } from "./object-file.ts";

/** How often the directory is looked at without a hint. */
export const FILES_POLL_MS = 2000;
/** For so long contents must stay the same before they are taken in. */
export const SETTLE_MS = 50;

/** What the source needs from outside. */
export interface FilesDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Of objects and targets that name none; "default" unless given. */
  readonly namespace?: string | undefined;
  /**
   * Called with the number of objects, or parts of one, that were passed over because something is
   * wrong with them; objects of kinds that nobody reads are none of them.
   */
  readonly onMalformed?: ((count: number) => void) | undefined;
}

/**
 * Objects from the files of a directory.
 *
 * @throws FilesError when there is no such directory; later it may come and go.
 */
export function createFilesSource(dir: string, deps: FilesDeps): ObjectSource {
  checkDirectory(dir);
  return new FilesSource(dir, deps);
}

interface Watch {
  readonly query: ObjectQuery;
  readonly listener: ObjectListener;
  isLive: boolean;
  timer: Timer | null;
}

class FilesSource implements ObjectSource {
  readonly description: string;
  readonly defaultNamespace: string;
  readonly #dir: string;
  readonly #deps: FilesDeps;
  readonly #files = new Map<string, ObjectFile>();
  readonly #watches = new Set<Watch>();
  /** Ends the hints of the system; null while there are none. */
  #endHints: (() => void) | null = null;
  #objects: ReadonlyMap<string, KubernetesObject> = new Map();
  #isSynced = false;
  /** Whether there was a first look, whose files are taken in as they are. */
  #hasLooked = false;
  #isClosed = false;
  #isLooking = false;
  #isLookWanted = false;
  #timer: Timer | null = null;
  #dueMs = 0;
  /** Between two slices of reading. */
  #pause: Timer | null = null;
  #problem: SourceProblem | null = null;
  /** What was logged of the files as they are, so that each thing is logged once. */
  #logged = new Set<string>();
  readonly #notes = new Map<string, readonly FileNote[]>();

  constructor(dir: string, deps: FilesDeps) {
    this.#dir = dir;
    this.#deps = deps;
    this.description = `directory ${dir}`;
    this.defaultNamespace = deps.namespace ?? "default";
  }

  watch<K extends KindName>(
    query: ObjectQuery<K>,
    listener: ObjectListener<ObjectOfKind[K]>,
  ): Subscription {
    const own: Watch = {
      query,
      listener: listener as unknown as ObjectListener,
      isLive: false,
      timer: null,
    };
    this.#watches.add(own);
    // Nothing is read, and no timer set, before somebody wants to know.
    if (!this.#isSynced && !this.#isLooking && this.#timer === null) this.#look();
    const { clock } = this.#deps;
    if (this.#isSynced || this.#problem !== null) {
      own.timer = clock.setTimer(0, () => this.#beginLate(own));
    }
    return {
      close: () => {
        own.timer?.cancel();
        this.#watches.delete(own);
      },
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#pause?.cancel();
    this.#endHints?.();
    for (const { timer } of this.#watches) timer?.cancel();
    this.#watches.clear();
  }

  #begin(watch: Watch): void {
    watch.isLive = true;
    const found = [...this.#objects.values()].filter((object) => matchesQuery(watch.query, object));
    const changes = found.map((object) => ({ type: "upsert", object }) as const);
    this.#call(watch, ({ listener }) => listener.onChanges(changes, true));
  }

  /** One that came when the others had heard: what is known, or why nothing is. */
  #beginLate(watch: Watch): void {
    if (watch.isLive) return;
    if (this.#isSynced) this.#begin(watch);
    const problem = this.#problem;
    if (problem !== null) this.#call(watch, ({ listener }) => listener.onProblem(problem));
  }

  #lookIn(delayMs: number): void {
    if (this.#isClosed) return;
    this.#isLookWanted = this.#isLooking;
    const dueMs = this.#deps.clock.nowMs() + delayMs;
    // Hints that come without end put nothing off.
    if (this.#isLooking || (this.#timer !== null && this.#dueMs <= dueMs)) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = this.#deps.clock.setTimer(delayMs, () => this.#look());
  }

  /** Never two at a time. */
  #look(): void {
    this.#isLooking = true;
    this.#isLookWanted = false;
    this.#timer = null;
    this.#takeIn()
      .catch((error: unknown) => {
        // A bug of ours must not end the process: what was taken in stays, and the next look tries.
        this.#deps.log.error("a look at the directory of objects failed", { error: String(error) });
        return true;
      })
      .then((isSettled) => {
        this.#isLooking = false;
        const isSoon = !isSettled || this.#isLookWanted;
        this.#lookIn(isSoon ? SETTLE_MS : FILES_POLL_MS);
      });
  }

  /** @returns whether all files are as they were at the last look. */
  async #takeIn(): Promise<boolean> {
    let stamps: ReadonlyMap<string, string>;
    try {
      // Before the list, so that nothing happens unseen between the two.
      this.#endHints ??= watchDirectory(this.#dir, () => this.#lookIn(SETTLE_MS));
      stamps = await listFiles(this.#dir);
    } catch (error) {
      if (!(error instanceof FilesError)) throw error;
      // A directory that comes back is another one, of which no hints would come.
      this.#endHints?.();
      this.#endHints = null;
      const reason = `directory ${error.message}`;
      if (!this.#isClosed) this.#setProblem({ kind: "unreachable", reason });
      return true;
    }
    let isSettled = true;
    for (const [name, stamp] of stamps) {
      const file = this.#files.get(name) ?? new ObjectFile(`${this.#dir}/${name}`);
      this.#files.set(name, file);
      file.isMissing = false;
      if (file.stamp === stamp) continue;
      const isTaken = !this.#hasLooked || file.seenStamp === stamp;
      file.seenStamp = stamp;
      if (isTaken) await this.#read(name, file, stamp);
      else isSettled = false;
    }
    for (const [name, file] of this.#files) {
      if (stamps.has(name)) continue;
      if (!file.isMissing) isSettled = false;
      else this.#forget(name);
      file.isMissing = true;
    }
    this.#hasLooked = true;
    if (!this.#isClosed) this.#update(isSettled);
    return isSettled;
  }

  async #read(name: string, file: ObjectFile, stamp: string): Promise<void> {
    const wasBad = file.fault !== null;
    try {
      const text = await readText(file.path);
      this.#notes.set(name, await this.#inSlices(file.take(text, this.defaultNamespace)));
    } catch (error) {
      if (!(error instanceof FilesError)) throw error;
      this.#notes.set(name, [file.fail(error.message)]);
    }
    file.stamp = stamp;
    if (wasBad && file.fault === null)
      this.#deps.log.info("file is good again", { file: file.path });
  }

  /** Never resolves once the source is closed. */
  async #inSlices<T>(work: Iterator<undefined, T>): Promise<T> {
    const { clock } = this.#deps;
    for (;;) {
      const step = runSlice(work, clock);
      if (step.done === true) return step.value;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#pause = clock.setTimer(0, resolve);
      await promise;
    }
  }

  #forget(name: string): void {
    this.#files.delete(name);
    this.#notes.delete(name);
  }

  /** Makes one state of all files, and tells what changed of it. */
  #update(isSettled: boolean): void {
    const objects = new Map<string, KubernetesObject>();
    const owners = new Map<string, string>();
    const notes = [...this.#notes.values()].flat();
    const files = [...this.#files].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [, file] of files) {
      for (const [id, object] of file.objects) {
        const owner = owners.get(id);
        if (owner === undefined) {
          owners.set(id, file.path);
          objects.set(id, object);
        } else {
          const reason = `${id} is in ${owner} too: that one is used`;
          notes.push({ file: file.path, at: file.path, reason, kind: "duplicate" });
        }
      }
    }
    this.#log(notes);
    const faults = files.map(([, { fault }]) => fault).filter((fault) => fault !== null);
    const isFirst = !this.#isSynced;
    const unread = faults.filter(({ kind }) => kind === "unread");
    if (isFirst && unread.length > 0) {
      this.#setProblem(problemOf(unread));
      return;
    }
    const changes = changesOf(this.#objects, objects);
    this.#objects = objects;
    this.#isSynced = true;
    this.#tell(isFirst, changes);
    const problem = problemOf(faults);
    // "Back" is told after what changed meanwhile, which some file may still have to tell.
    if (isFirst || isSettled || problem !== null) this.#setProblem(problem);
  }

  #tell(isFirst: boolean, changes: readonly ObjectChange[]): void {
    for (const watch of [...this.#watches]) {
      if (isFirst) {
        this.#begin(watch);
        continue;
      }
      if (!watch.isLive) continue;
      const own = changes.filter(({ object }) => matchesQuery(watch.query, object));
      if (own.length > 0) this.#call(watch, ({ listener }) => listener.onChanges(own, true));
    }
  }

  #setProblem(problem: SourceProblem | null): void {
    if (problem?.reason === this.#problem?.reason) return;
    const isWaitTold = this.#isSynced || this.#problem !== null;
    this.#problem = problem;
    const { log } = this.#deps;
    const { kind, reason } = problem ?? {};
    if (kind === "unreachable") log.warn("directory of objects cannot be used", { reason });
    else if (kind !== undefined && !isWaitTold) {
      log.warn("no object is used before each file was readable", { reason });
    }
    for (const watch of [...this.#watches]) {
      // One that waits for its first call hears of the problem then, if there is a first call.
      if (!watch.isLive && this.#isSynced) continue;
      this.#call(watch, ({ listener }) => {
        if (problem === null) listener.onRecovered();
        else listener.onProblem(problem);
      });
    }
  }

  /** Unless it was closed. A listener that throws has a bug, of which the others know nothing. */
  #call(watch: Watch, tell: (watch: Watch) => void): void {
    if (!this.#watches.has(watch)) return;
    try {
      tell(watch);
    } catch (error) {
      this.#deps.log.error("a listener of objects failed", { error: String(error) });
    }
  }

  #log(notes: readonly FileNote[]): void {
    const logged = new Set<string>();
    let passedOverCount = 0;
    for (const { file, at, reason, kind } of notes) {
      // Not by line: an object that moves within its file is not told again.
      const key = JSON.stringify([kind, file, reason]);
      logged.add(key);
      if (this.#logged.has(key)) continue;
      if (!USED_OR_UNREAD.includes(kind)) passedOverCount += 1;
      const { log } = this.#deps;
      if (kind === "ignored") log.info("object passed over", { at, reason });
      else log.warn(MESSAGES[kind], { at, reason });
    }
    this.#logged = logged;
    if (passedOverCount > 0) this.#deps.onMalformed?.(passedOverCount);
  }
}

/** What costs no object that somebody reads. */
const USED_OR_UNREAD: readonly FileNote["kind"][] = ["ignored", "misspelt", "unknown"];

const MESSAGES = {
  unread: "file of objects cannot be used, and what is in it was never known",
  fault: "file of objects cannot be used, its last good state stays",
  malformed: "malformed object passed over",
  duplicate: "object is there twice",
  misspelt: "object passed over",
  unknown: "unknown field",
} as const;

function problemOf(faults: readonly FileNote[]): SourceProblem | null {
  if (faults.length === 0) return null;
  const [{ at, reason }] = faults;
  const more = faults.length === 1 ? "" : ` (and ${faults.length - 1} more files)`;
  return { kind: "invalid", reason: `${at}: ${reason}${more}` };
}

/** What leads from one state to the other. A change of labels is a delete and an upsert. */
function changesOf(
  before: ReadonlyMap<string, KubernetesObject>,
  after: ReadonlyMap<string, KubernetesObject>,
): ObjectChange[] {
  const changes: ObjectChange[] = [];
  for (const [id, object] of before) {
    const next = after.get(id);
    if (next === object) continue;
    if (next === undefined || !isDeepStrictEqual(next.metadata.labels, object.metadata.labels)) {
      changes.push({ type: "delete", object });
    }
  }
  for (const [id, object] of after) {
    if (!isDeepStrictEqual(object, before.get(id))) changes.push({ type: "upsert", object });
  }
  return changes;
}
