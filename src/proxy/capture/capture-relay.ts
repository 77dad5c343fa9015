/**
 * The sidecar and the node proxy: captured connections in front, a relay per Service behind, seen
 * from outside like any other proxy.
 */
import { assert, type Timer } from "../../base/index.ts";
import type { ClusterView, Readiness } from "../../cluster/index.ts";
import type { ListenerSpec, MeshConfig, MeshSource } from "../../mesh/index.ts";
import { type MetricsSnapshot, mergeSnapshots, type Registry } from "../../telemetry/index.ts";
import type { ProxyConfig } from "../config.ts";
import type { DownstreamsView } from "../nesting/index.ts";
import type { RelayGroup } from "../workers/relay-group.ts";
import { Admission } from "./admission.ts";
import { Capture, type CaptureView } from "./capture.ts";
import { destinationsOf } from "./destinations.ts";
import { CaptureListeners, type CapturePort } from "./listeners.ts";
import { type CaptureBy, originalDestinations } from "./lookup.ts";
import type { SocketOptions } from "./native.ts";
import { type RelaySystem, ServiceRelays } from "./service-relays.ts";

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
export interface CaptureSystem extends RelaySystem {
  readonly registry: Registry;
  readonly mesh: MeshSource;
  readonly socketOptions: SocketOptions;
}

/**
 * How long Services may be unknown before we are ready all the same: then everything passes through
 * as it would without us, which is better than a pod that cannot start.
 */
export const SERVICES_TIMEOUT_MS = 10_000;
const TICK_MS = 1_000;

/** See the head of this file. */
export class CaptureRelay implements RelayGroup {
  readonly #config: ProxyConfig;
  readonly #system: CaptureSystem;
  readonly #relays: ServiceRelays;
  readonly #capture: Capture;
  readonly #listeners: CaptureListeners;
  #mesh: MeshConfig | null = null;
  /** Why Services are not known, as far as the source said. */
  #problem = "no answer yet";
  #startedMs = 0;
  #tick: Timer | null = null;
  #draining: Promise<void> | null = null;

  constructor(config: ProxyConfig, capture: CaptureConfig, system: CaptureSystem) {
    this.#config = config;
    this.#system = system;
    const { clock, log, registry, socketOptions } = system;
    this.#relays = new ServiceRelays(config, system);
    const admission = new Admission(config.maxConnections);
    const destinations = originalDestinations(capture.by, socketOptions);
    this.#capture = new Capture({
      ...{ clock, log, registry, destinations },
      ownPorts: () => this.#listeners.ports(),
      calls: {
        tryAdmit: (socket) => admission.tryAdmit(socket),
        accept: (socket, first, listener) => {
          const cluster = this.#clusterOf(listener);
          if (cluster === null) socket.resetAndDestroy();
          else this.#relays.accept(socket, first, cluster);
        },
      },
    });
    this.#listeners = new CaptureListeners(portsOf(capture), destinations, (socket, direction) =>
      this.#capture.onSocket(socket, direction),
    );
  }

  /** Where calls of a listener go: sources that capture uses send all of them to one cluster. */
  #clusterOf({ chains }: ListenerSpec) {
    const action = chains.find(({ tls }) => tls === null)?.table.hosts[0]?.routes[0]?.action;
    if (action?.kind !== "forward") return null;
    return this.#mesh?.clusters.get(action.clusters[0]!.cluster) ?? null;
  }

  /** `/capture` shows what is captured, and where it goes. */
  async listeners(): Promise<[]> {
    return [];
  }

  async routes(): Promise<[]> {
    return [];
  }

  async listen(): Promise<string[]> {
    const bound = await this.#listeners.listen();
    const { clock, log, mesh } = this.#system;
    this.#startedMs = clock.nowMs();
    mesh.start({
      onConfig: (config) => this.#onConfig(config),
      onError: (reason) => {
        this.#problem = reason;
        log.warn("Services", { reason, lastGoodStays: this.#mesh !== null });
      },
    });
    this.#scheduleTick();
    return bound;
  }

  #onConfig(config: MeshConfig): void {
    const table = destinationsOf(config);
    if (this.#mesh === null) this.#system.log.info("Services known", { destinations: table.size });
    this.#mesh = config;
    this.#capture.setTable(table);
    this.#relays.keep(config.clusters);
  }

  #scheduleTick(): void {
    this.#tick = this.#system.clock.setTimer(TICK_MS, () => {
      this.#capture.onTick();
      this.#relays.onTick();
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
    if (drainDelayMs > 0) {
      await new Promise<void>((resolve) => clock.setTimer(drainDelayMs, resolve));
    }
    this.#listeners.stop();
    let timer: Timer | null = null;
    const late = new Promise<void>((resolve) => {
      timer = clock.setTimer(drainTimeoutMs, resolve);
    });
    // Each relay keeps the same time by itself.
    await Promise.all([this.#relays.drain(by), Promise.race([this.#capture.idle(), late])]);
    (timer as Timer | null)?.cancel();
    this.#capture.close();
  }

  async close(): Promise<void> {
    this.#tick?.cancel();
    this.#listeners.stop();
    this.#system.mesh.close();
    this.#capture.close();
    this.#relays.close();
  }

  async clusters(): Promise<ClusterView[]> {
    return this.#relays.clusters();
  }

  async metrics(): Promise<MetricsSnapshot> {
    return mergeSnapshots([this.#system.registry.snapshot(), this.#relays.metrics()]);
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
    return this.#relays.downstreams();
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
