/**
 * The pods of a lab while it runs: processes and API objects side by side, scaled up and down as a
 * Deployment of a cluster is.
 *
 * A pod that comes is an object that becomes ready when its process serves; one that goes is
 * Terminating first, and its process ends when all who watch had time to hear of it. Names and
 * addresses go by number, so a pod that comes back has those it had.
 */
import type { Clock } from "../base/index.ts";
import type { Children } from "./children.ts";
import { type Objects, Workload } from "./cluster/index.ts";
import { LabError } from "./error.ts";
import { type Pod, type PodSet, podHost, podNames, startPod, startPods } from "./pods.ts";
import type { PodState } from "./view.ts";

/** From Terminating to SIGTERM (a preStop hook's sleep, shortened). */
const TERMINATING_MS = 500;
/** The namespace of the lab's objects. */
export const NAMESPACE = "lab";
/** The Service with a ClusterIP, and the headless one. */
export const SERVICES = { clusterIp: "echo", headless: "echo-headless" } as const;
/** The pods, to whoever can read EndpointSlices. */
export const LAB_TARGET = `kubernetes:///${SERVICES.clusterIp}.${NAMESPACE}:grpc`;
const ZONES = ["a", "b", "c"];
const LABELS = { app: "echo" };

/** One pod by its number. */
interface Entry {
  readonly name: string;
  state: PodState;
  pod: Pod | null;
}

/** What it works with. */
export interface DeploymentDeps {
  readonly children: Children;
  readonly clock: Clock;
  readonly objects: Objects;
}

/** All pods. */
export class Deployment {
  readonly #deps: DeploymentDeps;
  readonly #workload: Workload;
  readonly #entries: Entry[];
  readonly #listeners = new Set<() => void>();
  #set: PodSet | null = null;
  #wanted: number;
  #scaling: Promise<void> | null = null;

  constructor(count: number, deps: DeploymentDeps) {
    this.#deps = deps;
    this.#wanted = count;
    this.#workload = new Workload(deps.objects, NAMESPACE);
    this.#entries = podNames(count).map((name) => ({ name, state: "starting", pod: null }));
  }

  /** Names of all pods that ever were. */
  get names(): readonly string[] {
    return this.#entries.map(({ name }) => name);
  }

  /** Where they stand, in the same order. */
  get states(): readonly PodState[] {
    return this.#entries.map(({ state }) => state);
  }

  /** How many there should be. */
  get wanted(): number {
    return this.#wanted;
  }

  /** The pods that take new calls. */
  get ready(): readonly Pod[] {
    return this.#entries.filter(({ state }) => state === "ready").map(({ pod }) => pod!);
  }

  /** Where the ClusterIP stand-in listens. Known once the pods have started. */
  get clusterIp(): PodSet["clusterIp"] {
    if (this.#set === null) throw new LabError("the pods have not started");
    return this.#set.clusterIp;
  }

  /** Starts the first pods all at once. Throws `LabError` when they cannot be had. */
  async start(): Promise<void> {
    this.#set = await startPods(this.#deps.children, this.names);
    for (const zone of ZONES) this.#workload.addNode(`node-${zone}`, zone);
    const { host, port } = this.#set.clusterIp;
    const ports = [{ name: "grpc", port: port || 50_051, targetPort: "grpc" }];
    const spec = { selector: LABELS, ports };
    this.#workload.addService(SERVICES.clusterIp, { ...spec, clusterIP: host });
    this.#workload.addService(SERVICES.headless, { ...spec, clusterIP: "None" });
    for (const [index, pod] of this.#set.pods.entries()) {
      this.#addObject(index, pod.address);
      this.#becomeReady(this.#entries[index]!, pod);
    }
    this.#tell();
  }

  /** Calls `listener` when other pods take new calls, and before pods come that never were. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /**
   * There should be so many from now on. Resolves when there are, or rejects with `LabError` when a
   * pod cannot start (there are then as many as could be had). A later number replaces this one.
   */
  scale(count: number): Promise<void> {
    this.#wanted = count;
    this.#scaling ??= this.#reconcile().finally(() => {
      this.#scaling = null;
    });
    return this.#scaling;
  }

  async #reconcile(): Promise<void> {
    for (;;) {
      const serving = this.#entries.filter(({ state }) => state === "ready").length;
      if (serving === this.#wanted) return;
      if (serving < this.#wanted) await this.#grow();
      else await this.#shrink();
    }
  }

  async #grow(): Promise<void> {
    const names = podNames(this.#wanted);
    while (this.#entries.length < names.length) {
      const name = names[this.#entries.length]!;
      this.#entries.push({ name, state: "gone", pod: null });
    }
    const coming = this.#entries.filter(
      ({ state }, index) => index < this.#wanted && state === "gone",
    );
    for (const entry of coming) entry.state = "starting";
    this.#tell();
    const outcomes = await Promise.allSettled(coming.map((entry) => this.#startOne(entry)));
    this.#tell();
    const failed = outcomes.find(({ status }) => status === "rejected");
    if (failed?.status !== "rejected") return;
    this.#wanted = this.ready.length;
    throw failed.reason;
  }

  async #startOne(entry: Entry): Promise<void> {
    const index = this.#entries.indexOf(entry);
    const set = this.#set!;
    const { children } = this.#deps;
    try {
      const pod = await startPod(children, entry.name, podHost(index, set), set.clusterIp.port);
      this.#addObject(index, pod.address);
      this.#becomeReady(entry, pod);
    } catch (error) {
      entry.state = "gone";
      throw error;
    }
  }

  async #shrink(): Promise<void> {
    const { clock, children } = this.#deps;
    const going = this.#entries.filter(
      ({ state }, index) => index >= this.#wanted && state === "ready",
    );
    for (const entry of going) {
      entry.state = "terminating";
      this.#workload.terminatePod(entry.name);
    }
    this.#tell();
    await new Promise<void>((resolve) => clock.setTimer(TERMINATING_MS, resolve));
    await Promise.all(
      going.map(async (entry) => {
        await children.end(entry.pod!.child);
        this.#workload.removePod(entry.name);
        entry.state = "gone";
        entry.pod = null;
      }),
    );
  }

  #addObject(index: number, address: string): void {
    const colon = address.lastIndexOf(":");
    this.#workload.addPod({
      ...{ name: this.#entries[index]!.name, labels: LABELS },
      node: `node-${ZONES[index % ZONES.length]}`,
      ips: [address.slice(0, colon)],
      ports: { grpc: Number(address.slice(colon + 1)) },
    });
  }

  #becomeReady(entry: Entry, pod: Pod): void {
    entry.pod = pod;
    entry.state = "ready";
    this.#workload.setReady(entry.name, true);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
