/** Pods of a test: echo servers of grpc-go, each at a loopback address of its own. */
import { type RunningProcess, type StartOptions, startProcess } from "../peers/processes.ts";
import type { ObjectsDirectory, SliceEndpoint } from "./objects-directory.ts";

/** Starts a program: here, or in a network namespace. */
export type Starter = (
  path: string,
  args: readonly string[],
  options?: StartOptions,
) => RunningProcess;

/** The pods of one Service, and its slice, which is written with each change. */
export class Pods {
  readonly port: number;
  readonly #program: string;
  readonly #objects: ObjectsDirectory;
  readonly #service: string;
  readonly #start: Starter;
  readonly #broken: string | null;
  readonly #running = new Map<string, RunningProcess>();
  readonly #endpoints = new Map<string, SliceEndpoint>();

  /** @param program the echo server; `broken` a server that has no such service. */
  constructor(
    program: string,
    objects: ObjectsDirectory,
    service: string,
    port: number,
    start: Starter = startProcess,
    broken: string | null = null,
  ) {
    this.#broken = broken;
    this.#start = start;
    this.#program = program;
    this.#objects = objects;
    this.#service = service;
    this.port = port;
  }

  /** Starts a pod that is not in the slice yet; its name is its address. */
  async start(ip: string): Promise<void> {
    const address = `${ip}:${this.port}`;
    const pod = this.#start(this.#program, ["-listen", address, "-name", address]);
    this.#running.set(ip, pod);
    await pod.waitFor(/ready/);
  }

  /** Starts one that fails every call. */
  async startBroken(ip: string): Promise<void> {
    const pod = this.#start(this.#broken!, ["-listen", `${ip}:${this.port}`]);
    this.#running.set(ip, pod);
    await pod.waitFor(/ready/);
  }

  /** What the slice says of a pod from now on; null: it is not in it. */
  say(ip: string, state: SliceEndpoint["state"] | null, zone?: string): void {
    if (state === null) this.#endpoints.delete(ip);
    else this.#endpoints.set(ip, { ip, state: state!, ...(zone !== undefined && { zone }) });
  }

  /** Writes the slice. */
  publish(): void {
    this.#objects.slice(this.#service, this.port, [...this.#endpoints.values()]);
  }

  /** Starts pods and publishes them as ready. */
  async add(...ips: readonly string[]): Promise<void> {
    await Promise.all(ips.map((ip) => this.start(ip)));
    for (const ip of ips) this.say(ip, "ready");
    this.publish();
  }

  /** As kubelet does: SIGTERM, on which calls finish. */
  async stop(ip: string): Promise<void> {
    const pod = this.#running.get(ip);
    this.#running.delete(ip);
    await pod?.stop();
  }

  /**
   * Replaces pods one by one, as a Deployment does: the new one is ready, the old one leaves the
   * endpoints, then ends.
   *
   * @param meanwhile for so long the old one goes on serving, as a preStop hook has it do.
   */
  async replace(
    pairs: readonly (readonly [old: string, fresh: string])[],
    meanwhile: () => Promise<unknown>,
  ): Promise<void> {
    for (const [old, fresh] of pairs) {
      await this.start(fresh);
      this.say(fresh, "ready");
      this.say(old, "leaving");
      this.publish();
      await meanwhile();
      await this.stop(old);
      this.say(old, null);
      this.publish();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((ip) => this.stop(ip)));
  }
}
