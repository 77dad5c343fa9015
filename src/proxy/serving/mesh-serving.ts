/**
 * Many targets: what a source of configurations says, taken whole or not at all. Clusters come
 * before the routes that name them, and go after them.
 */
import type { Socket } from "node:net";
import type { Readiness } from "../../cluster/index.ts";
import type { MeshConfig } from "../../mesh/index.ts";
import type { SocketConnection, TransportLoop } from "../../transport/index.ts";
import type { MeshProxyConfig } from "../config.ts";
import type { Front } from "../front.ts";
import type { MeshProxySystem } from "../proxy.ts";
import { MeshListeners } from "./mesh-listeners.ts";
import { RoutedServing } from "./routed-serving.ts";
import type { Serving } from "./serving.ts";
import type { ListenerView, RouteView } from "./views.ts";

/** See the head of this file. */
export class MeshServing extends RoutedServing implements Serving {
  readonly #listeners: MeshListeners;
  #problem: string | null = null;

  constructor(config: MeshProxyConfig, system: MeshProxySystem, front: Front, loop: TransportLoop) {
    const { clock, log } = system;
    const isAlone = config.workers === 1;
    super(config, system, front, loop, isAlone);
    this.#listeners = new MeshListeners({
      ...{ log, front, loop, calls: this.calls, removesStaleSocket: isAlone },
      places: config.places,
      drainTimeoutMs: config.drainTimeoutMs,
      nowMs: () => clock.nowMs(),
      onListening: (address, name) => system.onListening(address, name),
    });
  }

  override onConfig(config: MeshConfig): void {
    this.#problem = null;
    super.onConfig(config);
    this.#listeners.configure(config.listeners);
    if (this.config.workers === 1) this.configurationLog.tell(config);
  }

  override onError(reason: string): void {
    this.#problem = reason;
    // With several workers their primary says so.
    if (this.config.workers === 1) super.onError(reason);
  }

  /** A socket whose destination is not known has no table. */
  accept(socket: Socket): void {
    socket.destroy();
  }

  stop(): void {
    this.#listeners.stop();
  }

  connections(): SocketConnection[] {
    return this.#listeners.connections();
  }

  listeners(): ListenerView[] {
    return this.#listeners.views();
  }

  routes(): RouteView[] {
    return this.#listeners.all.flatMap((listener) => listener.routes());
  }

  readiness(): Readiness {
    const { serves } = this.config;
    const problem = this.#problem === null ? "" : `: ${this.#problem}`;
    if (!this.isConfigured) {
      return { ready: false, reason: `no configuration of ${serves} yet${problem}` };
    }
    if (this.#listeners.size === 0) {
      return { ready: false, reason: `${serves} has no listener${problem}` };
    }
    if (this.#listeners.openCount === 0) {
      const [{ reason }] = this.listeners();
      return { ready: false, reason: `no listener of ${serves} is bound: ${reason}` };
    }
    return this.meshClusters.readiness();
  }

  override onTick(nowMs: number): void {
    this.#listeners.onTick(nowMs);
    super.onTick(nowMs);
  }
}
