/**
 * The lab's API server in the process of a test: Services, faults, a kubeconfig that leads there.
 *
 * Composition and checks only; what the server says stands in `lab/cluster`.
 */
import type { Clock, Rng } from "../base/index.ts";
import {
  type LabCluster,
  parseFaultKind,
  parseFaultRule,
  StoreZone,
  startCluster,
  writeKubeconfig,
} from "../lab/index.ts";
import { checkKeys, show } from "./check.ts";
import { newDns } from "./dns.ts";
import { Lifetime } from "./lifetime.ts";
import { newService } from "./service.ts";
import type { ApiFault, ServiceOptions, TestApiServer, TestDns, TestService } from "./types.ts";

const FAULT_OPTIONS = [
  ...["kind", "verbs", "resources", "count", "retryAfterSeconds", "asEvent", "bytes"],
  "intervalMs",
];

/** What they are made with. */
export interface TestingSystem {
  readonly clock: Clock;
  readonly rng: Rng;
}

/** An API server, and its inside for those of this room. */
export interface OpenApiServer {
  readonly api: TestApiServer;
  readonly cluster: LabCluster;
}

/** Starts one. Rejects with the system's error when there is no port for it. */
export async function openApiServer(system: TestingSystem): Promise<OpenApiServer> {
  const cluster = await startCluster(system);
  return { cluster, api: new ApiServer(cluster, system.clock) };
}

class ApiServer implements TestApiServer {
  readonly url: string;
  readonly kubeconfig: string;
  readonly #cluster: LabCluster;
  readonly #clock: Clock;
  readonly #removeKubeconfig: () => Promise<void>;
  readonly #life = new Lifetime("the API server");
  /** Also those that are still to come. */
  readonly #dns = new Set<Promise<TestDns>>();
  #isServing = true;
  /** The last of what stops or starts it, which take turns. */
  #turn: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(cluster: LabCluster, clock: Clock) {
    const { path, remove } = writeKubeconfig(cluster.url);
    this.url = cluster.url;
    this.kubeconfig = path;
    this.#cluster = cluster;
    this.#clock = clock;
    this.#removeKubeconfig = remove;
  }

  get watchCount(): number {
    return this.#cluster.server.handler.watchCount;
  }

  addService(name: string, options?: ServiceOptions): TestService {
    return newService(this.#cluster.objects, name, options);
  }

  apply(object: object): void {
    if (typeof object !== "object" || object === null || Array.isArray(object)) {
      throw new RangeError(`apply: ${show(object)}, must be an object`);
    }
    const { kind, metadata } = object as {
      kind?: string;
      metadata?: { name?: string; namespace?: string };
    };
    if (typeof kind !== "string" || typeof metadata?.name !== "string") {
      throw new RangeError("apply: the object must have a kind and a metadata.name");
    }
    const { objects } = this.#cluster;
    const { name, namespace = "default" } = metadata;
    const isThere = [`${namespace}/${name}`, name].some((key) => objects.store.get(kind, key));
    if (isThere) objects.update({ kind, namespace, name }, object);
    else objects.create(kind, namespace, object);
  }

  setFault(fault: ApiFault): void {
    checkKeys("setFault", fault, FAULT_OPTIONS);
    this.#cluster.faults.set(parseFaultRule(fault));
  }

  clearFaults(kind?: ApiFault["kind"]): void {
    this.#cluster.faults.clear(kind === undefined ? undefined : parseFaultKind(kind));
  }

  cutConnections(): void {
    this.#cluster.server.resetConnections();
  }

  expireWatches(): void {
    this.#cluster.compact();
    this.#cluster.server.handler.expireWatches();
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#isServing) throw new Error("the API server is stopped already");
      this.#isServing = false;
      await this.#cluster.stop();
    });
  }

  restart(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#isServing) throw new Error("the API server is running: stop it first");
      await this.#cluster.restart();
      this.#isServing = true;
    });
  }

  startDns(): Promise<TestDns> {
    return this.#life.during(() => {
      const dns = newDns(new StoreZone(this.#cluster.objects.store), this.#clock);
      this.#dns.add(dns);
      return dns;
    });
  }

  close(): Promise<void> {
    this.#life.end();
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    await this.#removeKubeconfig();
    // What is coming at this moment is waited for: only then can it be ended.
    const [, ...all] = await Promise.allSettled([this.#turn, ...this.#dns]);
    const came = all.filter((each) => each.status === "fulfilled");
    await Promise.all(came.map(({ value }) => value.close()));
    await this.#cluster.close();
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    return this.#life.during(() => {
      const done = this.#turn.then(() => {
        this.#life.check();
        return step();
      });
      this.#turn = done.catch(() => {});
      return done;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
