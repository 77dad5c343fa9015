/** Pods of a test: echo servers of grpc-go, each at a loopback address of its own. */
import { type RunningProcess, startProcess } from "../peers/processes.ts";
import type { ObjectsDirectory, SliceEndpoint } from "./objects-directory.ts";

/** The pods of one Service, and its slice, which is written with each change. */
export class Pods {
  readonly port: number;
  readonly #program: string;
  readonly #objects: ObjectsDirectory;
  readonly #service: string;
  readonly #running = new Map<string, RunningProcess>();
  readonly #endpoints = new Map<string, SliceEndpoint>();

  /** @param program the echo server. */
  constructor(program: string, objects: ObjectsDirectory, service: string, port: number) {
    this.#program = program;
    this.#objects = objects;
    this.#service = service;
    this.port = port;
  }

  /** Starts a pod that is not in the slice yet; its name is its address. */
  async start(ip: string): Promise<void> {
    const address = `${ip}:${this.port}`;
    const pod = startProcess(this.#program, ["-listen", address, "-name", address]);
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

  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((ip) => this.stop(ip)));
  }
}
