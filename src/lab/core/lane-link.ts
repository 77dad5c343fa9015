/**
 * The processes of one lane: its client, and what the lane starts between it and the pods.
 *
 * It is opened once, and everything of it is gone when it is closed. It counts nothing.
 */
import type { Clock } from "../../base/index.ts";
import { LabError } from "../error.ts";
import type { Dial, Lane, LaneEnv, Replicas } from "../lanes/index.ts";
import type { ChildMessage, LoadMessage, ReportMessage } from "../messages.ts";
import { firstWord } from "../pods/pods.ts";
import type { Child, Children } from "../system/children.ts";
import { LaneWhy } from "../why/index.ts";

/** How long a client may take to finish its open calls when told to stop. */
const STOP_TIMEOUT_MS = 800;

/** What a lane is opened with, beside what it has of its own. */
export type LinkEnv = Omit<LaneEnv, "onBroken" | "client" | "children">;
/** What clients are told to do. */
export type LoadSettings = Omit<LoadMessage, "type">;

/** What a link is made with. */
export interface LinkDeps {
  /** Of this link alone: all of them end with it. */
  readonly children: Children;
  readonly clock: Clock;
  /** The client is alone in a network namespace. */
  readonly hasOwnNetns: boolean;
  onReport(report: ReportMessage): void;
  /** It cannot run, or has broken off. Not called once it was told to end. */
  onBroken(reason: string): void;
}

/** Client and way of a lane. */
export class LaneLink {
  readonly #lane: Lane;
  readonly #deps: LinkDeps;
  #client: Child;
  #dial: Dial | null = null;
  /** Which of several programs the client is; "" where there is one. */
  #clientName = "";
  #isOpen = false;
  #why: LaneWhy | null = null;
  #isEnding = false;
  #onFinal: () => void = () => {};

  /** Starts the client, which loads while the lane is opened. Throws `LabError`. */
  constructor(lane: Lane, deps: LinkDeps) {
    this.#lane = lane;
    this.#deps = deps;
    this.#client = this.#startClient("caller");
  }

  /** The client is connected. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Of client and way. */
  get pids(): readonly number[] {
    return this.#deps.children.pids;
  }

  /** Which of several programs the client is; "" where there is one. */
  get clientName(): string {
    return this.#clientName;
  }

  /** Whom to ask why a pod gets calls or none; null while the lane is not open. */
  get why(): LaneWhy | null {
    return this.#why;
  }

  /** The proxies of this lane, or null when it has none that could become more. */
  get replicas(): Replicas | null {
    return this.#dial?.replicas ?? null;
  }

  /** Opens the way to the pods and connects the client. Never throws: `onBroken` has the reason. */
  async open(env: LinkEnv, load: LoadSettings): Promise<void> {
    try {
      const { children } = this.#deps;
      const onBroken = (reason: string): void => this.#broke(reason);
      const dial = await this.#lane.open({ ...env, children, client: this.#client, onBroken });
      this.#dial = dial;
      if (this.#isEnding) {
        await dial.close?.();
        return;
      }
      if (dial.program !== undefined) await this.#exchangeClient(dial.program);
      const word = await this.#connect(dial, load);
      if (word.type === "failed") this.#broke(word.reason);
      if (word.type !== "ready" || this.#isEnding) return;
      this.#clientName = word.client ?? "";
      this.#isOpen = true;
      const { chooser = { by: "other", who: this.#lane.title } } = dial;
      this.#why = new LaneWhy(this.#client, chooser, this.#deps.clock);
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      this.#broke(error.message);
    }
  }

  /** Begins the load. */
  start(load: LoadSettings): void {
    const client = this.#client;
    client.onMessage((message) => {
      if (message.type !== "report") return;
      this.#deps.onReport(message);
      if (message.final) this.#onFinal();
    });
    client.ended.then(() => this.#broke(`its client ${client.endReason}`));
    this.setLoad(load);
    client.send({ type: "start" });
  }

  /** Another load from now on. */
  setLoad(load: LoadSettings): void {
    if (this.#isOpen) this.#client.send({ type: "load", ...load });
  }

  /** Ends the load; resolves when the calls in flight are over, or after most of a second. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    const final = new Promise<void>((resolve) => {
      this.#onFinal = resolve;
    });
    const timer = this.#deps.clock.setTimer(STOP_TIMEOUT_MS, () => this.#onFinal());
    this.#client.send({ type: "stop" });
    await Promise.race([final, this.#client.ended]);
    timer.cancel();
    await this.replicas?.refresh();
    this.replicas?.close();
  }

  /** Ends everything of it, also while it is being opened. Resolves once no process is left. */
  async close(): Promise<void> {
    this.#isEnding = true;
    this.replicas?.close();
    await this.#dial?.close?.();
    await this.#deps.children.close();
  }

  #startClient(program: string): Child {
    const { children, hasOwnNetns } = this.#deps;
    return children.program(`client of ${this.#lane.name}`, program, [], hasOwnNetns);
  }

  /** The lane's client is no stub: another program takes the place of the one that has started. */
  async #exchangeClient(program: string): Promise<void> {
    const before = this.#client;
    this.#client = this.#startClient(program);
    await this.#deps.children.end(before);
  }

  #connect(dial: Dial, load: LoadSettings): Promise<ChildMessage> {
    const answer = firstWord(this.#client);
    this.#client.send({
      type: "dial",
      target: dial.target,
      serviceConfig: dial.serviceConfig,
      connections: dial.connections,
      kubernetes: dial.kubernetes ?? null,
      xdsBootstrap: dial.xdsBootstrap ?? null,
      channels: dial.channels ?? 1,
      connectionsPerPod: dial.connectionsPerPod ?? 1,
      calls: dial.calls ?? "say",
      ...load,
    });
    return answer;
  }

  #broke(reason: string): void {
    if (!this.#isEnding) this.#deps.onBroken(reason);
  }
}
