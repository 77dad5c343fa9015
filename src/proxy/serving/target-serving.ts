/**
 * One target: every call that comes to a listener goes to it, whatever its authority and path. No
 * table is asked, so that the path of such a call is as short as it can be.
 */
import type { Socket } from "node:net";
import { silentLogger, TimerWheel } from "../../base/index.ts";
import {
  type Cluster,
  type ClusterCall,
  type ClusterView,
  createCluster,
  DEFAULT_CLUSTER_CONFIG,
  type Readiness,
  withTimeout,
} from "../../cluster/index.ts";
import type { Resolver } from "../../discovery/index.ts";
import { ErrorCode, type HeaderList, type Stream, type StreamEvents } from "../../http2/index.ts";
import { ServiceConfigInForce } from "../../mesh/index.ts";
import {
  Acceptor,
  Listener,
  remoteOf,
  type SocketConnection,
  type TransportLoop,
} from "../../transport/index.ts";
import { Certificates } from "../certificates.ts";
import type { ProxyConfig } from "../config.ts";
import { deadlineOf } from "../deadline.ts";
import type { CallStarter, Downstream } from "../downstream.ts";
import type { Front, FrontSystem } from "../front.ts";
import { chosenConfig } from "../policy-choice.ts";
import { Relay } from "../relay.ts";
import type { Serving } from "./serving.ts";
import type { ListenerView } from "./views.ts";

/** See the head of this file. */
export class TargetServing implements Serving, CallStarter {
  readonly #config: ProxyConfig;
  readonly #front: Front;
  readonly #certificates: Certificates;
  readonly #serviceConfig: ServiceConfigInForce;
  readonly #cluster: Cluster;
  readonly #listeners: Listener[];
  /** For what it is handed. */
  readonly #acceptor: Acceptor;
  #addresses: readonly string[] = [];

  constructor(
    config: ProxyConfig,
    system: FrontSystem & { readonly resolver: Resolver },
    front: Front,
    loop: TransportLoop,
  ) {
    const { clock, rng, log, resolver, registry } = system;
    this.#config = config;
    this.#front = front;
    // With several workers their primary says what becomes of it, as it is who resolves.
    const said = config.workers === 1 ? log : silentLogger;
    const { policy, target } = config;
    this.#serviceConfig = new ServiceConfigInForce(chosenConfig(policy), target, said, (changed) =>
      this.#cluster.reconfigure(changed),
    );
    this.#certificates = new Certificates(config, clock, log, registry);
    this.#cluster = createCluster(
      {
        ...DEFAULT_CLUSTER_CONFIG,
        target,
        serviceConfig: this.#serviceConfig.current,
        secure: this.#certificates.client,
        maxConnectionsPerEndpoint: config.maxConnectionsPerEndpoint,
        readyTimeoutMs: config.readyTimeoutMs,
        isSourceLogged: config.workers === 1,
      },
      {
        ...{ clock, rng, log, resolver, loop, registry },
        wheel: new TimerWheel(clock),
        listener: this.#serviceConfig,
      },
    );
    const accepted = front.acceptorOptions();
    const events = front.eventsFor(this);
    this.#acceptor = new Acceptor(accepted, events, loop);
    const tls = this.#certificates.server;
    // Of several workers none may: one could remove the other's. Their primary has done it.
    const removesStaleSocket = config.workers === 1;
    this.#listeners = config.listeners.map((address) => {
      return new Listener({ ...accepted, address, tls, removesStaleSocket }, events, loop);
    });
  }

  async listen(): Promise<string[]> {
    const bound: string[] = [];
    for (const listener of this.#listeners) bound.push(await listener.listen());
    this.#addresses = bound;
    this.#cluster.start();
    return bound;
  }

  accept(socket: Socket, first: Buffer): void {
    if (!this.#acceptor.tryAdmit(socket)) return;
    this.#acceptor.acceptBegun(socket, first, this.#front.connected(remoteOf(socket), this));
  }

  // CallStarter

  start(from: Downstream, stream: Stream, list: HeaderList, isEnd: boolean): StreamEvents {
    this.#front.metrics.calls.add();
    const relay = new Relay(this.#front, stream, list, this.#cluster);
    const call = this.#newCall(relay, list, isEnd, stream.openedMs);
    call.caller = from;
    relay.join(call);
    if (list.isTooLarge) {
      this.#front.refuseOversized(stream, list);
      call.cancel(ErrorCode.CANCEL);
    } else call.start();
    return relay;
  }

  #newCall(relay: Relay, list: HeaderList, isEnd: boolean, nowMs: number): ClusterCall {
    const deadlineMs = deadlineOf(list, nowMs);
    const { policies } = this.#serviceConfig;
    const method = policies === null ? null : policies.find(list);
    if (method === null) return this.#cluster.call(list, isEnd, relay, deadlineMs, nowMs);
    // "The actual deadline is the minimum of the value here and the value set by the application."
    const timeoutMs = method.timeoutMs ?? Number.POSITIVE_INFINITY;
    const isShorter = nowMs + timeoutMs < deadlineMs;
    const sent = isShorter ? withTimeout(list, timeoutMs) : list;
    const endMs = isShorter ? nowMs + timeoutMs : deadlineMs;
    const call = this.#cluster.call(sent, isEnd, relay, endMs, nowMs, method);
    call.waitForReady = method.waitForReady !== false;
    return call;
  }

  stop(): void {
    for (const listener of [...this.#listeners, this.#acceptor]) listener.stop();
  }

  close(): void {
    this.#cluster.close();
    this.#certificates.close();
  }

  connections(): SocketConnection[] {
    const accepted = [...this.#acceptor.connections];
    return this.#listeners.flatMap((listener) => [...listener.connections]).concat(accepted);
  }

  get activeCalls(): number {
    return this.#cluster.activeCalls;
  }

  clustersInUse(): readonly Cluster[] {
    return [this.#cluster];
  }

  clusters(): ClusterView[] {
    return [this.#cluster.view()];
  }

  listeners(): ListenerView[] {
    const { tls } = this.#config;
    const chain = {
      ...{ serverNames: [], tls: tls !== null, routes: 1 },
      clientCertificates: tls !== null && tls.clientCaFile !== null,
    };
    return this.#addresses.map((address, i) => ({
      ...{ name: address, wanted: address, address, reason: "listening", chains: [chain] },
      connections: this.#listeners[i].connections.size,
    }));
  }

  routes() {
    const { target } = this.#config;
    return this.#addresses.map((listener) => ({
      ...{ listener, serverNames: [], host: target, domains: ["*"], name: "--to" },
      ...{ match: "prefix /", clusters: [{ cluster: target, weight: 1 }], mirrors: [] },
      ...{ timeoutMs: null, refusal: null },
    }));
  }

  readiness(): Readiness {
    return this.#cluster.readiness();
  }

  figures(): null {
    return null;
  }

  onTick(): void {}
}
