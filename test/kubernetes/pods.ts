/**
 * Pods that answer: stock gRPC servers (grpc-go) on the addresses of Pod objects, which live and
 * die as a kubelet has it: serving before they are ready; when deleted, GOAWAY, their calls
 * finished, then gone.
 */
import { requirePeer, type SkippableTest } from "../peers/find.ts";
import type { RunningProcess } from "../peers/processes.ts";
import type { TestCluster } from "./cluster.ts";
import type { Objects } from "./objects.ts";

/** The port of all pods. */
export const POD_PORT = 50_051;
/** How long calls may finish after SIGTERM. */
const DRAIN_SECONDS = 10;
/**
 * Between a pod's deletion and its SIGTERM: what a `preStop` hook that sleeps gives to those who
 * watch, so that they send it nothing any more.
 */
const PRE_STOP_MS = 300;

/** A pod that serves. */
export interface ServingPod {
  readonly name: string;
  readonly ip: string;
}

/** See the head of this file. */
export class Pods {
  readonly #cluster: TestCluster;
  readonly #objects: Objects;
  readonly #program: string;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #running = new Map<string, RunningProcess>();
  #count = 0;

  private constructor(cluster: TestCluster, objects: Objects, program: string, app: string) {
    this.#cluster = cluster;
    this.#objects = objects;
    this.#program = program;
    this.#labels = { app };
  }

  /** Of the Service `app`; null when the server is missing: the test is then skipped. */
  static of(t: SkippableTest, cluster: TestCluster, objects: Objects, app: string): Pods | null {
    const program = requirePeer(t, "echo-server");
    return program === null ? null : new Pods(cluster, objects, program, app);
  }

  /** Starts one and waits until it is ready. */
  async add(node: string): Promise<ServingPod> {
    this.#count += 1;
    const name = `${this.#labels.app}-${this.#count}`;
    const ip = this.#cluster.nextIp();
    await this.#objects.pod(name, { node, ips: [ip], labels: this.#labels });
    const flags = ["-name", name, "-drain-seconds", String(DRAIN_SECONDS)];
    const listen = ["-listen", `${ip}:${POD_PORT}`];
    const process = this.#cluster.launch(this.#program, [...listen, ...flags], { name });
    this.#running.set(name, process);
    await process.waitFor(/^ready /m);
    await this.#objects.setReady(name, true);
    return { name, ip };
  }

  /** Deletes one gracefully, and waits until it is gone. */
  async remove(name: string): Promise<void> {
    const process = this.#running.get(name);
    this.#running.delete(name);
    await this.#objects.deletePod(name);
    await new Promise((done) => setTimeout(done, PRE_STOP_MS));
    await process?.stop(2 * DRAIN_SECONDS * 1_000);
    await this.#objects.finishDelete(name);
  }

  /** Ends the servers; objects stay. */
  async stop(): Promise<void> {
    const all = [...this.#running.values()];
    for (const each of all) each.kill();
    await Promise.allSettled(all.map((each) => each.exited));
  }
}
