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
import { checkWhole, show } from "./check.ts";
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
  /** Of pods that were killed: who waits for what becomes of them. */
  readonly #killed = new Map<string, (replaced: Promise<string | null>) => void>();
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
    deployment.onDeath((name, replaced) => {
      this.#killed.get(name)?.(replaced);
      this.#killed.delete(name);
    });
  }

  get pods(): readonly ClusterPod[] {
    const { alive } = this.#parts.deployment;
    return alive.map(({ name, address, isReady }) => ({ name, address, isReady }));
  }

  async scale(count: number): Promise<void> {
    await this.#parts.deployment.scale(checkWhole("scale", count, 1, PODS_MAX));
    await this.#told();
  }

  async roll(): Promise<void> {
    await this.#parts.deployment.roll();
    await this.#told();
  }

  async kill(pod: string): Promise<string | null> {
    const { deployment } = this.#parts;
    const replaced = new Promise<string | null>((resolve) => this.#killed.set(pod, resolve));
    try {
      deployment.kill(pod);
    } catch (error) {
      this.#killed.delete(pod);
      throw error;
    }
    const name = await replaced;
    await this.#told();
    return name;
  }

  async drain(pod: string): Promise<void> {
    await this.#parts.deployment.drain(pod);
    await this.#told();
  }

  slow(pod: string, factor: number): void {
    if (!(factor >= 1 && factor <= SLOW_FACTOR_MAX)) {
      throw new RangeError(`slow: ${show(factor)}, must be a number from 1 to ${SLOW_FACTOR_MAX}`);
    }
    this.#parts.deployment.slow(pod, factor);
  }

  sick(pod: string, isSick = true): void {
    this.#parts.deployment.setSick(pod, isSick);
  }

  async notServing(pod: string, isNotServing = true): Promise<void> {
    const { deployment } = this.#parts;
    deployment.setServing(pod, !isNotServing);
    const isAsTold = (): boolean => {
      const found = deployment.alive.find(({ name }) => name === pod);
      return found === undefined || found.isReady !== isNotServing;
    };
    if (!isAsTold()) {
      await new Promise<void>((resolve) => {
        const stop = deployment.onChange(() => {
          if (!isAsTold() && this.#closing === null) return;
          stop();
          resolve();
        });
      });
    }
    await this.#told();
  }

  heal(): void {
    this.#parts.deployment.restore();
  }

  onChange(listener: () => void): () => void {
    return this.#parts.deployment.onChange(listener);
  }

  close(): Promise<void> {
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

  /** The controller writes slices within a turn of the event loop: before a timer set now. */
  #told(): Promise<void> {
    return new Promise((resolve) => this.#parts.system.clock.setTimer(0, resolve));
  }
}
