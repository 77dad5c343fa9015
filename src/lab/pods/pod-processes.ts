/**
 * Which pod lives in which process.
 *
 * Up to 24 pods have one each. From the 25th on, pods share: a process costs 0.1 s of a core before
 * it serves and 60 MB from then on, which a hundred would make the machine feel. Those that share
 * are slowed, drained and killed each alone (`pod-server.ts`); only the death of their process, or
 * a stop of it, is the death of them all.
 */

import { LabError } from "../error.ts";
import type {
  PodConduct,
  PodFailedMessage,
  PodServesMessage,
  PodStartMessage,
} from "../messages.ts";
import type { Child, Children } from "../system/children.ts";
import type { Pod } from "./pod.ts";
import { type PodLanguage, podProgram } from "./pod-language.ts";

/** So many pods have a process each. */
export const ALONE_MAX = 24;
/** In one process, of those that share. */
const SHARED_MAX = 8;

/** Where a pod is to serve; port 0: any. */
export interface PodPlace {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** All processes of pods. */
export class PodProcesses {
  readonly #children: Children;
  readonly #language: PodLanguage;
  readonly #processes = new Set<PodProcess>();
  /** Looked for once: to find one takes as long as to start a pod. */
  #found: ReturnType<typeof podProgram> | undefined;

  /** @param language of the pods; Node unless given. */
  constructor(children: Children, language: PodLanguage = "node") {
    this.#children = children;
    this.#language = language;
  }

  /** How many pods serve. */
  get serving(): number {
    return [...this.#processes].reduce((total, { serving }) => total + serving, 0);
  }

  /** Starts a pod at each place; one that cannot serve there has said why. Throws `LabError`. */
  start(places: readonly PodPlace[]): Promise<readonly (Pod | PodFailedMessage)[]> {
    const processes = this.#processesFor(places.map(({ name }) => name));
    return Promise.all(places.map((place, index) => processes[index]!.start(place)));
  }

  /** A process for each, with room in it. */
  #processesFor(names: readonly string[]): readonly PodProcess[] {
    let count = names.length;
    for (const { size } of this.#processes) count += size;
    if (count <= ALONE_MAX) return names.map((name) => this.#open([name], false));
    if (this.#language !== "node") {
      throw new LabError(`at most ${ALONE_MAX} pods in ${this.#language}: each is a process`);
    }
    const seats = [...this.#processes].flatMap((process) =>
      Array.from({ length: process.room }, () => process),
    );
    const found = seats.slice(0, names.length);
    const rest = names.slice(found.length);
    const groups = Math.ceil(rest.length / SHARED_MAX);
    for (let group = 0; group < groups; group += 1) {
      const from = Math.floor((group * rest.length) / groups);
      const to = Math.floor(((group + 1) * rest.length) / groups);
      const process = this.#open(rest.slice(from, to), true);
      for (let index = from; index < to; index += 1) found.push(process);
    }
    return found;
  }

  #open(names: readonly string[], isShared: boolean): PodProcess {
    const label = isShared ? `the process of ${names.join(", ")}` : names[0]!;
    const child = this.#program(label, names);
    const process = new PodProcess(child, this.#children, isShared);
    this.#processes.add(process);
    child.ended.then(() => this.#processes.delete(process));
    return process;
  }

  #program(label: string, names: readonly string[]): Child {
    this.#found ??= podProgram(this.#language);
    if (this.#found === null) return this.#children.program(label, "pod", names);
    if ("why" in this.#found) throw new LabError(this.#found.why);
    return this.#children.talker(label, [...this.#found, ...names]);
  }
}

/** One of them. */
class PodProcess {
  readonly child: Child;
  readonly #children: Children;
  readonly #isShared: boolean;
  /** Pods that serve here, and what is to be called when one is gone. */
  readonly #pods = new Map<string, () => void>();
  /** Pods that are to serve here, and what is to be called with what comes of that. */
  readonly #starting = new Map<string, (outcome: Pod | PodFailedMessage) => void>();
  #isEnding = false;

  constructor(child: Child, children: Children, isShared: boolean) {
    this.child = child;
    this.#children = children;
    this.#isShared = isShared;
    child.onMessage((message) => {
      if (message.type === "pod-serves") {
        this.#settle(message.pod, this.#serving(message));
      } else if (message.type === "pod-failed") this.#settle(message.pod, message);
      else if (message.type === "pod-gone") this.#gone(message.pod);
    });
    child.ended.then(() => this.#onEnded());
  }

  /** How many pods there are in it, or will be. */
  get size(): number {
    return this.#pods.size + this.#starting.size;
  }

  /** How many pods of it serve. */
  get serving(): number {
    return this.#pods.size;
  }

  /** How many more it takes. */
  get room(): number {
    return this.#isShared && !this.#isEnding ? SHARED_MAX - this.size : 0;
  }

  start({ name, host, port }: PodPlace): Promise<Pod | PodFailedMessage> {
    const order: PodStartMessage = { type: "pod-start", pod: name, host, port };
    return new Promise((resolve) => {
      this.#starting.set(name, resolve);
      this.child.send(order);
    });
  }

  #serving({ pod: name, address, http1Address }: PodServesMessage): Pod {
    const ended = new Promise<void>((resolve) => this.#pods.set(name, resolve));
    return {
      ...{ name, address, http1Address, ended, pid: this.child.pid! },
      behave: (conduct) => this.#behave(name, conduct),
      kill: () => {
        if (this.size === 1) this.child.kill();
        else this.child.send({ type: "pod-kill", pod: name });
      },
      end: () => this.#end(name, ended),
    };
  }

  #behave(pod: string, { slowFactor, isServing, isSick }: PodConduct): void {
    this.child.send({ type: "behave", pod, slowFactor, isServing, isSick });
  }

  async #end(pod: string, ended: Promise<void>): Promise<void> {
    if (!this.#pods.has(pod)) return;
    if (this.size === 1) {
      this.#isEnding = true;
      await this.#children.end(this.child);
      return;
    }
    this.child.send({ type: "pod-end", pod });
    // One that does not go takes its process with it, as a container's first process would.
    await this.#children.within(ended, () => this.child.kill());
  }

  #settle(pod: string, outcome: Pod | PodFailedMessage): void {
    const resolve = this.#starting.get(pod);
    this.#starting.delete(pod);
    resolve?.(outcome);
    this.#endWhenEmpty();
  }

  #gone(pod: string): void {
    const resolve = this.#pods.get(pod);
    this.#pods.delete(pod);
    resolve?.();
    this.#endWhenEmpty();
  }

  #endWhenEmpty(): void {
    if (this.size > 0 || this.#isEnding) return;
    this.#isEnding = true;
    void this.#children.end(this.child);
  }

  #onEnded(): void {
    const reason = `${this.child.label} ${this.child.endReason}`;
    for (const pod of [...this.#starting.keys()]) {
      this.#settle(pod, { type: "pod-failed", pod, code: "", reason });
    }
    for (const pod of [...this.#pods.keys()]) this.#gone(pod);
  }
}
