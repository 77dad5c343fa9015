/**
 * A pod: an object of the API server, and the server process of its one container, which may be
 * started again. What each process executed is in a journal of its own.
 */
import { join } from "node:path";
import type { RunningProcess } from "../peers/processes.ts";
import { type Execution, readJournal } from "./echo.ts";
import type { Stage } from "./stage.ts";

/** A container that was killed, and when. */
export interface Killed {
  readonly address: string;
  readonly atMs: number;
}

/** See the head of this file. */
export class Pod {
  readonly name: string;
  /** Where callers reach it: ip:port. */
  readonly address: string;
  readonly uid: string;
  readonly #stage: Stage;
  readonly #listenHost: string;
  readonly #port: number;
  /** Names of its processes: "echo-3", "echo-3.1". Each is what its answers name. */
  readonly incarnations: string[] = [];
  readonly kills: Killed[] = [];
  #process: RunningProcess | null = null;

  constructor(
    stage: Stage,
    name: string,
    address: string,
    uid: string,
    listenHost: string,
    port: number,
  ) {
    this.#stage = stage;
    this.name = name;
    this.address = address;
    this.uid = uid;
    this.#listenHost = listenHost;
    this.#port = port;
  }

  /** Starts its container (again), and waits until it serves. */
  async start(): Promise<void> {
    const count = this.incarnations.length;
    // A pod of a StatefulSet returns under its name, as another one.
    const own = `${this.name}~${this.uid.slice(0, 4)}${count === 0 ? "" : `.${count}`}`;
    const args = [own, this.#listenHost, String(this.#port), this.#journalOf(own)];
    const started = this.#stage.program(own, "pod", args);
    this.incarnations.push(own);
    this.#process = started;
    await started.waitFor(/^ready$/m, 60_000);
  }

  /** Its readiness probe says so. */
  setReady(isReady: boolean): void {
    this.#stage.workload.setReady(this.name, isReady);
  }

  /** Somebody deletes it: it is Terminating, and serves on. */
  terminate(): void {
    this.#stage.workload.terminatePod(this.name);
  }

  /** SIGTERM; resolves when it has finished its calls. Throws unless it exits with 0. */
  async stop(): Promise<void> {
    const exit = await this.#process?.stop(40_000);
    if (exit !== undefined && exit.code !== 0) {
      throw new Error(`${this.name} ended with ${exit.code ?? exit.signal}`);
    }
    this.#process = null;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#process?.signal("SIGKILL");
    this.kills.push({ address: this.address, atMs: Date.now() });
    await this.#process?.exited;
    this.#process = null;
  }

  /** Sends its process a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.signal(signal);
  }

  /** Its object is gone. */
  remove(): void {
    this.#stage.workload.removePod(this.name);
  }

  /** What its processes wrote, by process. */
  executions(): ReadonlyMap<string, readonly Execution[]> {
    return new Map(
      this.incarnations.map((own) => [own, readJournal<Execution>(this.#journalOf(own))]),
    );
  }

  /** Calls that are open on its present process, by id. */
  openCalls(): string[] {
    const open = new Set<string>();
    for (const { at, id } of readJournal<Execution>(this.#journalOf(this.incarnations.at(-1)!))) {
      if (at === "enter") open.add(id);
      else open.delete(id);
    }
    return [...open];
  }

  #journalOf(own: string): string {
    return join(this.#stage.directory, `${own}.executions`);
  }
}
