/**
 * The pods of a lab while it runs: processes and API objects side by side, scaled, rolled and
 * replaced as a Deployment of a cluster does it.
 *
 * A pod that comes is an object that becomes ready when its process serves; one that goes is
 * Terminating first, and its process ends when all who watch had time to hear of it; one that dies
 * is replaced by another, with a name, a uid and an address of its own. Each change only says what
 * there should be; one loop (`#reconcile`) brings it about, step by step, as controllers do.
 */
import type { Clock } from "../../base/index.ts";
import type { Objects } from "../cluster/index.ts";
import { LabError } from "../error.ts";
import type { Children } from "../system/children.ts";
import type { PodState } from "../view.ts";
import { Kubelet } from "./kubelet.ts";
import type { Pod } from "./pod.ts";
import type { PodLanguage } from "./pod-language.ts";
import type { PodNetwork } from "./pod-network.ts";
import { PodObjects } from "./pod-objects.ts";
import { PodProcesses } from "./pod-processes.ts";
import { type PodEntry, PodRows, USUAL } from "./pod-rows.ts";
import { type PodSet, startPod, startPods } from "./pods.ts";

/** From Terminating to SIGTERM (a preStop hook's sleep, shortened). */
const TERMINATING_MS = 500;
/** From a process' death to the API server's knowing: the kubelet looks once a second. */
const DEATH_NOTICED_MS = 500;
/** What it works with. */
export interface DeploymentDeps {
  readonly children: Children;
  readonly clock: Clock;
  readonly objects: Objects;
  readonly network: PodNetwork;
  /** Of the pods; Node unless given. */
  readonly language?: PodLanguage;
}

/**
 * A pod died. `replaced` resolves with the name of the new pod in its row, or with null when its
 * row stays empty (fewer are wanted by now), and may reject.
 */
type DeathListener = (name: string, replaced: Promise<string | null>) => void;

/** All pods. */
export class Deployment {
  readonly #deps: DeploymentDeps;
  readonly #objects: PodObjects;
  readonly #rows: PodRows;
  readonly #processes: PodProcesses;
  readonly #listeners = new Set<() => void>();
  readonly #readyListeners = new Set<(name: string) => void>();
  readonly #deathListeners = new Set<DeathListener>();
  #kubelet: Kubelet | null = null;
  #set: PodSet | null = null;
  /** What is to become of pods that end, or have died. */
  readonly #leaving = new Set<Promise<unknown>>();
  #wanted: number;
  #reconciling: Promise<void> | null = null;

  constructor(count: number, deps: DeploymentDeps) {
    this.#deps = deps;
    this.#wanted = count;
    this.#objects = new PodObjects(deps.objects);
    this.#rows = new PodRows(count);
    this.#processes = new PodProcesses(deps.children, deps.language);
  }

  /** Names of the pods in the rows, in order. */
  get names(): readonly string[] {
    return this.#rows.all.map(({ name }) => name);
  }

  /** Where they stand, in the same order. */
  get states(): readonly PodState[] {
    return this.#rows.all.map(({ state }) => state);
  }

  /** Names of those that were made slow. */
  get slowed(): readonly string[] {
    return this.#rows.alive.filter(({ slowFactor }) => slowFactor > 1).map(({ name }) => name);
  }

  /** Names of those whose health service says NOT_SERVING. */
  get notServing(): readonly string[] {
    return this.#rows.alive.filter(({ isServing }) => !isServing).map(({ name }) => name);
  }

  /** Names of those that answer every call with UNAVAILABLE. */
  get sick(): readonly string[] {
    return this.#rows.alive.filter(({ isSick }) => isSick).map(({ name }) => name);
  }

  /** How many there should be. */
  get wanted(): number {
    return this.#wanted;
  }

  /** The pods that take new calls. */
  get ready(): readonly Pod[] {
    return this.#rows.all.filter(({ state }) => state === "ready").map(({ pod }) => pod!);
  }

  /** All pods that have not been told to end, in order, ready or not. */
  get alive(): readonly (Pod & { readonly isReady: boolean })[] {
    return this.#rows.alive.map(({ pod, state }) => ({ ...pod!, isReady: state === "ready" }));
  }

  /** How many pods serve; while the first ones start, before all of them are ready. */
  get serving(): number {
    return this.#processes.serving;
  }

  /** Where the ClusterIP stand-in listens. Known once the pods have started. */
  get clusterIp(): PodSet["clusterIp"] {
    if (this.#set === null) throw new LabError("the pods have not started");
    return this.#set.clusterIp;
  }

  /** Starts the first pods all at once. Throws `LabError` when they cannot be had. */
  async start(): Promise<void> {
    const { children, network, clock } = this.#deps;
    const onProbed = (name: string, isReady: boolean): void => this.#onProbed(name, isReady);
    this.#kubelet = new Kubelet({ children, clock, onProbed });
    this.#set = await startPods(this.#processes, this.names, network);
    this.#objects.addServices(this.#set.clusterIp);
    for (const [index, pod] of this.#set.pods.entries()) {
      this.#becomeReady(this.#rows.all[index]!, pod);
    }
    this.#tell();
  }

  /** Gives back the port of its pods, which end with their processes. No pod can come any more. */
  release(): void {
    this.#set?.release();
  }

  /**
   * Calls `listener` when other pods take new calls, and before pods come that never were; no more
   * once what it answers is called.
   */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `listener` when a pod begins to take calls, at that moment. */
  onReady(listener: (name: string) => void): void {
    this.#readyListeners.add(listener);
  }

  /** Calls `listener` when a pod dies that nobody had told to end. */
  onDeath(listener: DeathListener): void {
    this.#deathListeners.add(listener);
  }

  /**
   * There should be so many from now on. Resolves when there are, or rejects with `LabError` when a
   * pod cannot start (there are then as many as could be had). A later number replaces this one.
   */
  scale(count: number): Promise<void> {
    this.#wanted = count;
    return this.#reconcile();
  }

  /**
   * A rolling update: all pods of now are replaced, one more first and then one less (maxSurge 1,
   * maxUnavailable 0). Resolves when none of them is left; rejects as `scale` does.
   */
  roll(): Promise<void> {
    for (const entry of this.#rows.alive) entry.isStale = true;
    return this.#reconcile();
  }

  /** SIGKILL to a pod; it is replaced once that is noticed. Throws `LabError`, as all below. */
  kill(name: string): void {
    this.#alive(name).pod!.kill();
  }

  /**
   * The pod is deleted, as by `kubectl delete pod` or a drain of its node: Terminating, and after
   * its grace SIGTERM, while another starts in its place. Resolves when the one is gone and the
   * other ready; rejects as `scale` does.
   */
  async drain(name: string): Promise<void> {
    const entry = this.#alive(name);
    await Promise.all([this.#terminate([entry], false), this.#reconcile()]);
  }

  /** Its calls take `factor` times their usual time from now on. */
  slow(name: string, factor: number): void {
    const entry = this.#alive(name);
    entry.slowFactor = factor;
    this.#behave(entry);
  }

  /** What its health service says from now on; the slice follows by its readiness probe. */
  setServing(name: string, isServing: boolean): void {
    const entry = this.#alive(name);
    entry.isServing = isServing;
    this.#behave(entry);
  }

  /** Whether it answers every call with UNAVAILABLE, after its usual time. Its health stays. */
  setSick(name: string, isSick: boolean): void {
    const entry = this.#alive(name);
    entry.isSick = isSick;
    this.#behave(entry);
  }

  /**
   * All that serve are as they were when they started: fast, SERVING, well. A rolling update that
   * is under way goes no further.
   */
  restore(): void {
    for (const entry of this.#rows.alive) {
      Object.assign(entry, USUAL, { isStale: false });
      this.#behave(entry);
    }
  }

  /**
   * Rows of pods that are gone are no more, and what is left moves up. Those that end have gone
   * before. `before` is called at that moment, if there are such rows.
   */
  async forgetGone(before: () => void): Promise<void> {
    await Promise.allSettled([...this.#leaving]);
    if (!this.states.includes("gone")) return;
    before();
    this.#rows.forgetGone();
    this.#tell();
  }

  #alive(name: string): PodEntry {
    const entry = this.#rows.alive.find((candidate) => candidate.name === name);
    if (!entry) throw new LabError(`${name}: no pod of this name serves`);
    return entry;
  }

  #behave({ pod, slowFactor, isServing, isSick }: PodEntry): void {
    pod!.behave({ slowFactor, isServing, isSick });
  }

  #reconcile(): Promise<void> {
    this.#reconciling ??= this.#bringAbout();
    return this.#reconciling;
  }

  async #bringAbout(): Promise<void> {
    // Never over before it is assigned.
    await null;
    try {
      for (;;) {
        const { alive } = this.#rows;
        const missing = this.#wanted - alive.length;
        if (missing > 0) await this.#grow(missing);
        else if (missing < 0) await this.#shrink(-missing);
        else if (alive.some(({ isStale }) => isStale)) await this.#grow(1);
        else return;
      }
    } finally {
      this.#reconciling = null;
    }
  }

  async #grow(count: number): Promise<void> {
    const coming = this.#rows.take(count);
    this.#tell();
    const outcomes = await Promise.allSettled(coming.map((entry) => this.#startOne(entry)));
    this.#tell();
    const failed = outcomes.find(({ status }) => status === "rejected");
    if (failed?.status !== "rejected") return;
    for (const entry of this.#rows.alive) entry.isStale = false;
    this.#wanted = Math.min(this.#wanted, this.#rows.alive.length);
    throw failed.reason;
  }

  async #startOne(entry: PodEntry): Promise<void> {
    const { network } = this.#deps;
    try {
      const index = entry.number - 1;
      this.#becomeReady(
        entry,
        await startPod(this.#processes, entry.name, index, this.#set!, network),
      );
    } catch (error) {
      this.#rows.leave(entry, true);
      throw error;
    }
  }

  async #shrink(count: number): Promise<void> {
    await this.#terminate(this.#rows.surplus(count), true);
  }

  /** They go. `comeBack`: those that are not to be replaced may be started again. */
  async #terminate(going: readonly PodEntry[], comeBack: boolean): Promise<void> {
    for (const entry of going) {
      entry.state = "terminating";
      this.#objects.terminate(entry.name);
    }
    this.#tell();
    await this.#leave(async () => {
      await this.#pause(TERMINATING_MS);
      await Promise.all(
        going.map(async (entry) => {
          await entry.pod!.end();
          this.#objects.remove(entry.name);
          this.#rows.leave(entry, comeBack && !entry.isStale);
        }),
      );
    });
  }

  async #leave(leaving: () => Promise<void>): Promise<void> {
    const left = leaving();
    this.#leaving.add(left);
    try {
      await left;
    } finally {
      this.#leaving.delete(left);
    }
  }

  /** Its process ended. That is a death unless the lab ended it. */
  #onEnded(entry: PodEntry): void {
    if (!this.#rows.alive.includes(entry) || this.#deps.children.isClosed) return;
    entry.state = "killed";
    this.#tell();
    const replaced = this.#replace(entry);
    replaced.catch(() => {});
    for (const listener of this.#deathListeners) listener(entry.name, replaced);
  }

  async #replace(entry: PodEntry): Promise<string | null> {
    await this.#leave(async () => {
      await this.#pause(DEATH_NOTICED_MS);
      this.#objects.remove(entry.name);
      this.#rows.leave(entry, false);
    });
    await this.#reconcile();
    return entry.successor;
  }

  #onProbed(name: string, isReady: boolean): void {
    const entry = this.#rows.alive.find((candidate) => candidate.name === name);
    if (!entry) return;
    const wasReady = entry.state === "ready";
    entry.state = isReady ? "ready" : "not-ready";
    this.#objects.setReady(name, isReady);
    if (isReady && !wasReady) this.#tellReady(name);
    this.#tell();
  }

  #becomeReady(entry: PodEntry, pod: Pod): void {
    this.#objects.addReady(entry, pod);
    entry.pod = pod;
    entry.state = "ready";
    this.#tellReady(entry.name);
    pod.ended.then(() => this.#onEnded(entry));
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#deps.clock.setTimer(delayMs, resolve));
  }

  #tellReady(name: string): void {
    for (const listener of this.#readyListeners) listener(name);
  }

  #tell(): void {
    this.#kubelet!.probe(this.#rows.alive.map(({ pod }) => pod!));
    for (const listener of this.#listeners) listener();
  }
}
