/**
 * A test cluster: the lab's pods, each a process, behind a Service, with API server, DNS and the
 * ClusterIP stand-in.
 *
 * Every cluster draws addresses of its own on loopback, so that test files that run beside each
 * other, in processes or in threads, do not meet. What is promised resolves when the EndpointSlices
 * say it, so that a client which asks from then on sees it.
 */
import {
  Children,
  Deployment,
  LAB_TARGET,
  LOOPBACK,
  NAMESPACE,
  SERVICES,
  type ServiceIp,
  startRelay,
} from "../lab/index.ts";
import { openApiServer, type TestingSystem } from "./api-server.ts";
import { checkFlag, checkFunction, checkNumber, checkWhole } from "./check.ts";
import { Lifetime } from "./lifetime.ts";
import type { ClusterPod, TestApiServer, TestCluster, TestDns } from "./types.ts";

/** As in the lab: two cores start so many in seconds. */
const PODS_MAX = 100;
const SLOW_FACTOR_MAX = 10_000;
/** Second bytes of addresses: 127.1.x.x to 127.250.x.x. */
const NETWORKS = 250;

/** Addresses that another cluster of this machine is not likely to have; if so, ports differ. */
function newNetwork({ rng }: TestingSystem): typeof LOOPBACK {
  const second = 1 + rng.int(NETWORKS);
  const podPrefix = `127.${second}`;
  const [clusterIp, portHolder] = [`${podPrefix}.96.1`, `${podPrefix}.95.1`];
  return { ...LOOPBACK, podPrefix, clusterIp, portHolder };
}

/** Starts one with so many pods. Rejects with one sentence when it cannot be. */
export async function openTestCluster(count: number, system: TestingSystem): Promise<TestCluster> {
  checkWhole("pods", count, 1, PODS_MAX);
  const { api, cluster } = await openApiServer(system);
  const children = new Children(system.clock);
  const { objects } = cluster;
  const deployment = new Deployment(count, {
    ...{ children, clock: system.clock, objects, network: newNetwork(system) },
  });
  try {
    await deployment.start();
    const addresses = (): string[] => deployment.ready.map(({ address }) => address);
    const [dns, service] = await Promise.all([
      api.startDns(),
      startRelay("the ClusterIP", deployment.clusterIp, addresses(), {
        ...{ children, clock: system.clock },
        onBroken: () => {},
      }),
    ]);
    service.follow(addresses());
    deployment.onChange(() => service.follow(addresses()));
    return new Cluster({ api, dns, children, deployment, service, system });
  } catch (error) {
    await Promise.all([children.close(), api.close()]);
    deployment.release();
    throw error;
  }
}

interface Parts {
  readonly api: TestApiServer;
  readonly dns: TestDns;
  readonly children: Children;
  readonly deployment: Deployment;
  readonly service: ServiceIp;
  readonly system: TestingSystem;
}

class Cluster implements TestCluster {
  readonly api: TestApiServer;
  readonly dns: TestDns;
  readonly kubeconfig: string;
  readonly target = LAB_TARGET;
  readonly dnsTarget: string;
  readonly clusterIp: string;
  readonly #parts: Parts;
  /** Of pods that died, by name: what becomes of them. No other pod gets such a name. */
  readonly #deaths = new Map<string, Promise<string | null>>();
  /** Looks that are taken whenever something about the pods may be otherwise. */
  readonly #looks = new Set<() => void>();
  readonly #life = new Lifetime("the cluster");
  #closing: Promise<void> | null = null;

  constructor(parts: Parts) {
    const { api, dns, deployment, service } = parts;
    this.api = api;
    this.dns = dns;
    this.kubeconfig = api.kubeconfig;
    const port = Number(service.address.slice(service.address.lastIndexOf(":") + 1));
    this.dnsTarget = dns.target(`${SERVICES.headless}.${NAMESPACE}.svc.cluster.local`, port);
    this.clusterIp = service.address;
    this.#parts = parts;
    deployment.onDeath((name, replaced) => this.#deaths.set(name, replaced));
    deployment.onChange(() => this.#look());
  }

  get pods(): readonly ClusterPod[] {
    if (this.#life.isOver) return [];
    const { alive } = this.#parts.deployment;
    return alive.map(({ name, address, isReady }) => ({ name, address, isReady }));
  }

  scale(count: number): Promise<void> {
    return this.#life.during(async () => {
      await this.#parts.deployment.scale(checkWhole("scale", count, 1, PODS_MAX));
      await this.#told();
    });
  }

  roll(): Promise<void> {
    return this.#life.during(async () => {
      await this.#parts.deployment.roll();
      await this.#told();
    });
  }

  kill(pod: string): Promise<string | null> {
    return this.#life.during(async () => {
      const { deployment } = this.#parts;
      const ended = deployment.alive.find(({ name }) => name === pod)?.ended;
      deployment.kill(pod);
      // The deployment has seen it first. It tells of no death when the pod was to end anyway.
      await ended;
      const replacement = (await this.#deaths.get(pod)) ?? null;
      await this.#told();
      return replacement;
    });
  }

  drain(pod: string): Promise<void> {
    return this.#life.during(async () => {
      await this.#parts.deployment.drain(pod);
      await this.#told();
    });
  }

  slow(pod: string, factor: number): void {
    this.#life.check();
    this.#parts.deployment.slow(pod, checkNumber("slow", factor, 1, SLOW_FACTOR_MAX));
  }

  sick(pod: string, isSick = true): void {
    this.#life.check();
    this.#parts.deployment.setSick(pod, checkFlag("sick", isSick));
  }

  notServing(pod: string, isNotServing = true): Promise<void> {
    return this.#life.during(async () => {
      const { deployment } = this.#parts;
      deployment.setServing(pod, !checkFlag("notServing", isNotServing));
      this.#look();
      await this.#until(() => {
        const found = deployment.alive.find(({ name }) => name === pod);
        if (found === undefined || found.isReady !== isNotServing) return true;
        // It was told otherwise meanwhile: the slice need never follow.
        return deployment.notServing.includes(pod) !== isNotServing;
      });
      await this.#told();
    });
  }

  heal(): void {
    this.#life.check();
    this.#parts.deployment.restore();
    this.#look();
  }

  onChange(listener: () => void): () => void {
    checkFunction("onChange", listener);
    this.#life.check();
    return this.#parts.deployment.onChange(() => {
      if (this.#life.isOver) return;
      try {
        listener();
      } catch (error) {
        // It is the test's to hear of it, and no reason to leave a pod half replaced.
        queueMicrotask(() => {
          throw error;
        });
      }
    });
  }

  close(): Promise<void> {
    this.#life.end();
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    await this.#parts.children.close();
    this.#parts.deployment.release();
    await this.api.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isSo()) return;
        this.#looks.delete(look);
        resolve();
      };
      this.#looks.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of [...this.#looks]) look();
  }

  /** The controller writes slices within a turn of the event loop: before a timer set now. */
  #told(): Promise<void> {
    return new Promise((resolve) => this.#parts.system.clock.setTimer(0, resolve));
  }
}
