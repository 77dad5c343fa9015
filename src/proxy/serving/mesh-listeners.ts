/**
 * The listeners of a configuration: they come, change and go with it, and what stays keeps its
 * socket and connections. One that cannot be bound is tried again.
 */
import type { ListenerSpec } from "../../mesh/index.ts";
import {
  type ListenAddress,
  listenAddressText,
  type SocketConnection,
} from "../../transport/index.ts";
import type { ListenPlace } from "../config.ts";
import { MeshListener, type MeshListenerDeps, securityOf } from "./mesh-listener.ts";

/** How often a listener that cannot be bound is tried again. */
export const BIND_RETRY_MS = 2_000;

/** One that was, until its connections have gone. */
interface Gone {
  readonly listener: MeshListener;
  readonly untilMs: number;
}

/** What it is told beside its configuration. */
export interface MeshListenersOptions extends MeshListenerDeps {
  readonly places: readonly ListenPlace[];
  /** How long connections of a listener that went may finish their calls. */
  readonly drainTimeoutMs: number;
  nowMs(): number;
  onListening(address: string, name: string): void;
}

/** See the head of this file. */
export class MeshListeners {
  readonly #options: MeshListenersOptions;
  /** By where it is bound, and how. */
  #current = new Map<string, MeshListener>();
  readonly #unbound = new Set<MeshListener>();
  #gone: Gone[] = [];
  #triedMs = 0;
  #isStopped = false;

  constructor(options: MeshListenersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#current.size;
  }

  /** How many take connections. */
  get openCount(): number {
    return this.#current.size - this.#unbound.size;
  }

  /** From now on these are served. */
  configure(specs: readonly ListenerSpec[]): void {
    if (this.#isStopped) return;
    const next = new Map<string, MeshListener>();
    const fresh: MeshListener[] = [];
    for (const [spec, address] of this.#placed(specs)) {
      // Any port is another one each time: only its name tells such a listener from others.
      const isAny = "port" in address && address.port === 0;
      const place = `${listenAddressText(address)}${isAny ? ` ${spec.name}` : ""}`;
      const key = `${securityOf(spec)} ${place}`;
      const known = this.#current.get(key);
      if (next.has(key)) continue; // two at one place: the first counts
      if (known !== undefined) known.update(spec);
      const listener = known ?? new MeshListener(spec, address, this.#options);
      next.set(key, listener);
      if (known === undefined) fresh.push(listener);
    }
    for (const [key, listener] of this.#current) if (!next.has(key)) this.#letGo(listener);
    this.#current = next;
    for (const listener of fresh) this.#bind(listener);
  }

  /**
   * Where each is bound. Places that name no port go to listeners in their order; all of them to
   * one that is for the calls of this process.
   */
  #placed(specs: readonly ListenerSpec[]): [ListenerSpec, ListenAddress][] {
    const { places } = this.#options;
    const anywhere = places.filter(({ port }) => port === null);
    const byPort = new Map<number, ListenAddress>();
    for (const { port, address } of places) if (port !== null) byPort.set(port, address);
    return specs.flatMap((spec): [ListenerSpec, ListenAddress][] => {
      const { address } = spec;
      if (address === null) return anywhere.map((place) => [spec, place.address]);
      let place = byPort.get(address.port);
      if (place === undefined) {
        place = anywhere.shift()?.address ?? address;
        byPort.set(address.port, place);
      }
      return [[spec, place]];
    });
  }

  #bind(listener: MeshListener): void {
    this.#unbound.add(listener);
    void listener.bind().then((isBound) => {
      // It may have gone meanwhile.
      const isWanted = this.#unbound.has(listener);
      if (!isBound) return;
      this.#unbound.delete(listener);
      if (!isWanted || this.#isStopped) listener.stop();
      else if (listener.bound !== null) this.#options.onListening(listener.bound, listener.name);
    });
  }

  #letGo(listener: MeshListener): void {
    const { drainTimeoutMs, nowMs } = this.#options;
    this.#unbound.delete(listener);
    listener.stop();
    for (const connection of listener.connections) connection.drain("the listener is gone");
    this.#gone.push({ listener, untilMs: nowMs() + drainTimeoutMs });
  }

  /** About once a second. */
  onTick(nowMs: number): void {
    this.#gone = this.#gone.filter(({ listener, untilMs }) => {
      if (nowMs < untilMs) return listener.connections.length > 0;
      const { front, log } = this.#options;
      const reason = `cut ${this.#options.drainTimeoutMs} ms after its listener went`;
      let calls = 0;
      for (const connection of listener.connections) {
        calls += front.cutCallsOf(connection, reason);
        connection.close(0, "the listener is gone");
      }
      if (calls > 0) log.warn("calls of a listener that went were cut", { calls });
      return false;
    });
    if (this.#unbound.size === 0 || nowMs - this.#triedMs < BIND_RETRY_MS) return;
    this.#triedMs = nowMs;
    for (const listener of [...this.#unbound]) this.#bind(listener);
  }

  /** All, those that went included. */
  connections(): SocketConnection[] {
    const gone = this.#gone.map(({ listener }) => listener);
    return [...this.#current.values(), ...gone].flatMap(({ connections }) => connections);
  }

  /** Those that are served, in their order. */
  get all(): MeshListener[] {
    return [...this.#current.values()];
  }

  /** Nothing is bound any more. */
  stop(): void {
    this.#isStopped = true;
    for (const listener of this.#current.values()) listener.stop();
  }
}
