/**
 * The sidecar and the node proxy: captured connections in front, a proxy of many targets behind,
 * seen from outside like any other proxy.
 */
import { assert, type Timer } from "../../base/index.ts";
import type { ClusterView, Readiness } from "../../cluster/index.ts";
import type { MeshConfig, MeshListener, MeshSource } from "../../mesh/index.ts";
import type { MetricsSnapshot } from "../../telemetry/index.ts";
import type { MeshProxyConfig } from "../config.ts";
import type { FrontSystem } from "../front.ts";
import { type DownstreamsView, mergeDownstreams } from "../nesting/index.ts";
import { createCapturedProxy, type Proxy as RelayProxy } from "../proxy.ts";
import type { ListenerView, RouteView } from "../serving/views.ts";
import type { RelayGroup } from "../workers/relay-group.ts";
import { Admission } from "./admission.ts";
import { Capture, type CaptureView } from "./capture.ts";
import { destinationsOf } from "./destinations.ts";
import { CaptureListeners, type CapturePort } from "./listeners.ts";
import { type CaptureBy, originalDestinations } from "./lookup.ts";
import type { SocketOptions } from "./native.ts";

/** `sidecar` captures for one pod, in its network; `node` for the pods of a node, in the node's. */
export type CaptureMode = "sidecar" | "node";

/** What a capturing proxy is told besides. */
export interface CaptureConfig {
  readonly mode: CaptureMode;
  readonly by: CaptureBy;
  readonly outboundPort: number;
  /** Null: connections to this pod are not captured. */
  readonly inboundPort: number | null;
}

/** What holds where nothing else is said. */
export const CAPTURE_DEFAULTS = {
  by: "redirect",
  outboundPort: 15_001,
  inboundPort: 15_006,
} as const satisfies Omit<CaptureConfig, "mode">;

/** What a capturing proxy needs. */
export interface CaptureSystem extends FrontSystem {
  readonly mesh: MeshSource;
  readonly socketOptions: SocketOptions;
}

/**
 * How long Services may be unknown before we are ready all the same: then everything passes through
 * as it would without us, which is better than a pod that cannot start.
 */
const SERVICES_TIMEOUT_MS = 10_000;
const TICK_MS = 1_000;

/** See the head of this file. */
export class CaptureRelay implements RelayGroup {
  readonly #config: MeshProxyConfig;
  readonly #system: CaptureSystem;
  readonly #proxy: RelayProxy;
  readonly #capture: Capture;
  readonly #listeners: CaptureListeners;
  #mesh: MeshConfig | null = null;
  /** Why Services are not known, as far as the source said. */
  #problem = "no answer yet";
  #startedMs = 0;
  #tick: Timer | null = null;
  #draining: Promise<void> | null = null;

  constructor(config: MeshProxyConfig, capture: CaptureConfig, system: CaptureSystem) {
    this.#config = config;
    this.#system = system;
    const { clock, log, registry, socketOptions } = system;
    const source = {
      start: (to: MeshListener) => this.#start(to),
      close: () => system.mesh.close(),
    };
    this.#proxy = createCapturedProxy(config, { ...system, source, onListening: () => {} });
    const admission = new Admission(config.maxConnections);
    const destinations = originalDestinations(capture.by, socketOptions);
    this.#capture = new Capture({
      ...{ clock, log, registry, destinations },
      ownPorts: () => this.#listeners.ports,
      calls: {
        tryAdmit: (socket) => admission.tryAdmit(socket),
        accept: (socket, first, listener) => this.#proxy.accept(socket, first, listener),
      },
    });
    this.#listeners = new CaptureListeners(portsOf(capture), destinations, (socket, direction) =>
      this.#capture.onSocket(socket, direction),
    );
  }

  async listen(): Promise<string[]> {
    const bound = await this.#listeners.listen();
    const { clock } = this.#system;
    this.#startedMs = clock.nowMs();
    await this.#proxy.listen();
    this.#scheduleTick();
    return bound;
  }

  /** Clusters and routes come before the destinations that lead to them. */
  #start(proxy: MeshListener): void {
    this.#system.mesh.start({
      onConfig: (config) => {
        proxy.onConfig(config);
        this.#onConfig(config);
      },
      onError: (reason) => {
        this.#problem = reason;
        proxy.onError(reason);
      },
    });
  }

  #onConfig(config: MeshConfig): void {
    const table = destinationsOf(config);
    if (this.#mesh === null) this.#system.log.info("Services known", { destinations: table.size });
    this.#mesh = config;
    this.#capture.setTable(table);
  }

  #scheduleTick(): void {
    this.#tick = this.#system.clock.setTimer(TICK_MS, () => {
      this.#capture.onTick();
      this.#scheduleTick();
    });
  }

  drain(by: string): Promise<void> {
    this.#draining ??= this.#drain(by);
    return this.#draining;
  }

  async #drain(by: string): Promise<void> {
    const { clock } = this.#system;
    const { drainDelayMs, drainTimeoutMs } = this.#config;
    let onLastHandedOver = (): void => {};
    const handedOver = new Promise<void>((resolve) => {
      onLastHandedOver = resolve;
    });
    // The proxy behind waits as long before it says its first GOAWAY.
    const drained = this.#proxy.drain(by, handedOver);
    if (drainDelayMs > 0) {
      await new Promise<void>((resolve) => clock.setTimer(drainDelayMs, resolve));
    }
    this.#listeners.stop();
    // Some were accepted, and have not said yet whether they are calls.
    void this.#capture.sniffed().then(onLastHandedOver);
    let timer: Timer | null = null;
    const late = new Promise<void>((resolve) => {
      timer = clock.setTimer(drainTimeoutMs, resolve);
    });
    await Promise.all([drained, Promise.race([this.#capture.idle(), late])]);
    (timer as Timer | null)?.cancel();
    this.#capture.close();
  }

  async close(): Promise<void> {
    this.#tick?.cancel();
    this.#listeners.stop();
    this.#capture.close();
    this.#proxy.close();
  }

  async clusters(): Promise<ClusterView[]> {
    return this.#proxy.clusters();
  }

  async listeners(): Promise<readonly ListenerView[]> {
    return this.#proxy.listeners();
  }

  async routes(): Promise<readonly RouteView[]> {
    return this.#proxy.routes();
  }

  async metrics(): Promise<MetricsSnapshot> {
    return this.#proxy.metrics();
  }

  async readiness(): Promise<Readiness> {
    if (this.#draining !== null) return { ready: false, reason: "draining" };
    if (this.#mesh !== null) return { ready: true, reason: "Services are known" };
    const isLate = this.#system.clock.nowMs() - this.#startedMs >= SERVICES_TIMEOUT_MS;
    const reason = `Services are not known: ${this.#problem}`;
    return isLate
      ? { ready: true, reason: `${reason}; all passes through` }
      : { ready: false, reason };
  }

  async downstreams(): Promise<DownstreamsView> {
    return mergeDownstreams([this.#proxy.downstreams()]);
  }

  /** Nobody evens out load among sidecars: each is its pod's own. */
  async loads(): Promise<readonly []> {
    return [];
  }

  async shed(): Promise<number> {
    return 0;
  }

  /** What was captured, for people. */
  capture(): CaptureView {
    return this.#capture.view();
  }
}

function portsOf({ mode, outboundPort, inboundPort }: CaptureConfig): CapturePort[] {
  // What this machine sends is redirected to loopback; what comes from pods to the address of the
  // interface that it came by, and so is what comes to a pod.
  const anywhere = ["0.0.0.0", "::"] as const;
  const hosts = mode === "sidecar" ? (["127.0.0.1", "::1"] as const) : anywhere;
  const ports: CapturePort[] = [{ direction: "outbound", hosts, port: outboundPort }];
  if (inboundPort !== null && mode === "sidecar") {
    ports.push({ direction: "inbound", hosts: anywhere, port: inboundPort });
  }
  assert(new Set(ports.map(({ port }) => port)).size === ports.length, "ports differ");
  return ports;
}
