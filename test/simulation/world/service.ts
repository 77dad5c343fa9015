/**
 * A Service: its pods, and what each of its clients has been told of them so far.
 *
 * In place of discovery: an EndpointSlice controller and a watch, as delays. Which endpoints a
 * slice's conditions leave in use is not simulated: a pod that terminates leaves the set.
 */
import type { Rng } from "../../../src/base/index.ts";
import {
  type Endpoint,
  type EndpointSet,
  newEndpoint,
  newEndpointSet,
  type Resolver,
  type ResolverListener,
  type SkippedEndpoint,
} from "../../../src/discovery/index.ts";
import type { Draw } from "./distributions.ts";
import type { Network } from "./network.ts";
import { Pod, type PodConfig, type PodEvents } from "./pod.ts";

/** See the head of this file. */
export class Service {
  readonly network: Network;
  /** From a change to the moment when a client knows of it, drawn for each client. */
  readonly #newsMs: Draw;
  /** Pods in the order in which they came, those that are gone included. */
  readonly pods: Pod[] = [];
  readonly #ready = new Set<Pod>();
  readonly #terminating = new Set<Pod>();
  readonly #watchers = new Set<ServiceResolver>();
  readonly #events: PodEvents;

  constructor(network: Network, newsMs: Draw, events: PodEvents = {}) {
    this.network = network;
    this.#newsMs = newsMs;
    this.#events = events;
  }

  /** A pod is started; ready at once, and told of after the delay. */
  add(config: PodConfig): Pod {
    const number = this.pods.length;
    const address = `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}:50051`;
    const pod = new Pod(this.network.world, `pod-${number}`, address, config, this.#events);
    this.pods.push(pod);
    this.network.set(address, pod);
    this.#ready.add(pod);
    this.#tell();
    return pod;
  }

  /** `count` pods at once. */
  addMany(count: number, config: PodConfig): Pod[] {
    return Array.from({ length: count }, () => this.add(config));
  }

  /** Kubernetes deletes a pod: its slice says terminating, and at the same time it gets SIGTERM. */
  remove(pod: Pod, drainDelayMs: number, graceMs: number): void {
    this.#leave(pod);
    pod.terminate(drainDelayMs, graceMs);
  }

  /** SIGKILL; the kubelet notices, and the slice says so, `noticedMs` later. */
  kill(pod: Pod, noticedMs: number): void {
    pod.kill();
    this.network.world.after(noticedMs, () => this.#leave(pod));
  }

  #leave(pod: Pod): void {
    if (!this.#ready.delete(pod)) return;
    this.#terminating.add(pod);
    this.#tell();
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher.onNews();
  }

  /** The endpoints as the API server has them now. */
  get set(): EndpointSet {
    const toSkipped = (pod: Pod): SkippedEndpoint => ({
      endpoint: endpointOf(pod),
      reason: "terminating",
    });
    const set = newEndpointSet([...this.#ready].map(endpointOf), "no pod is ready");
    return { ...set, skipped: [...this.#terminating].filter((pod) => pod.isAlive).map(toSkipped) };
  }

  /** A watch of one client. */
  newResolver(name: string): Resolver {
    return new ServiceResolver(this, this.network.world.rng(`news of ${name}`), this.#newsMs);
  }

  /** From a resolver that starts or is closed. */
  watch(resolver: ServiceResolver, isWatching: boolean): void {
    if (isWatching) this.#watchers.add(resolver);
    else this.#watchers.delete(resolver);
  }
}

function endpointOf(pod: Pod): Endpoint {
  return { ...newEndpoint(pod.address, "EndpointSlice simulation/work"), uid: pod.name };
}

class ServiceResolver implements Resolver {
  readonly target = "kubernetes:///work.simulation:grpc";
  readonly #service: Service;
  readonly #rng: Rng;
  readonly #newsMs: Draw;
  #listener: ResolverListener | null = null;
  #isPending = false;

  constructor(service: Service, rng: Rng, newsMs: Draw) {
    this.#service = service;
    this.#rng = rng;
    this.#newsMs = newsMs;
  }

  start(listener: ResolverListener): void {
    this.#listener = listener;
    this.#service.watch(this, true);
    listener.onEndpoints(this.#service.set);
  }

  /** Something changed: this client hears of it, and of what else changes meanwhile, later. */
  onNews(): void {
    if (this.#isPending) return;
    this.#isPending = true;
    this.#service.network.world.after(this.#newsMs(this.#rng), () => {
      this.#isPending = false;
      this.#listener?.onEndpoints(this.#service.set);
    });
  }

  resolveNow(): void {}

  close(): void {
    this.#listener = null;
    this.#service.watch(this, false);
  }
}
