/**
 * The listeners of a configuration: they come, change and go with it, and what stays keeps its
 * socket and connections. One that cannot be bound is tried again.
 */
import type { ListenerSpec } from "../../mesh/index.ts";
import { listenAddressText, type SocketConnection } from "../../transport/index.ts";
import type { ListenPlace } from "../config.ts";
import { MeshListener, type MeshListenerDeps, securityOf } from "./mesh-listener.ts";
import { type PlacedListeners, placeListeners } from "./places.ts";
import { type ListenerView, listenerView } from "./views.ts";

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
  /** Of listeners at the place of another one. */
  #displaced: readonly ListenerView[] = [];
  /** Places that are not used, as they were told last. */
  #unusedTold: ReadonlySet<string> = new Set();
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
    const { placed, unused } = placeListeners(specs, this.#options.places);
    this.#tellOf(unused);
    const displaced: ListenerView[] = [];
    for (const [spec, address] of placed) {
      // Any port is another one each time: only its name tells such a listener from others.
      const isAny = "port" in address && address.port === 0;
      const place = `${listenAddressText(address)}${isAny ? ` ${spec.name}` : ""}`;
      const key = `${securityOf(spec)} ${place}`;
      const known = this.#current.get(key);
      const first = next.get(key);
      if (first !== undefined) {
        const reason = `${listenAddressText(address)} is where listener ${first.name} is`;
        displaced.push(listenerView(spec, { address: null, reason, connections: 0 }));
        continue;
      }
      if (known !== undefined) known.update(spec);
      const listener = known ?? new MeshListener(spec, address, this.#options);
      next.set(key, listener);
      if (known === undefined) fresh.push(listener);
    }
    this.#tellOfDisplaced(displaced);
    for (const [key, listener] of this.#current) if (!next.has(key)) this.#letGo(listener);
    this.#current = next;
    for (const listener of fresh) this.#bind(listener);
  }

  /** Once while they stay the same: configurations change all the time. */
  #tellOf(unused: PlacedListeners["unused"]): void {
    const told = new Set(unused.map(({ place }) => place));
    for (const one of unused) {
      if (!this.#unusedTold.has(one.place)) this.#options.log.warn("place is not used", one);
    }
    this.#unusedTold = told;
  }

  /** The same of listeners whose place another one has. */
  #tellOfDisplaced(displaced: readonly ListenerView[]): void {
    const known = new Set(this.#displaced.map(({ name, reason }) => `${name} ${reason}`));
    this.#displaced = displaced;
    for (const { name: listener, reason } of displaced) {
      if (known.has(`${listener} ${reason}`)) continue;
      this.#options.log.warn("listener is not served", { listener, reason });
    }
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

  /** Those, and behind them those that are not served, as they are shown. */
  views(): ListenerView[] {
    return [...this.all.map((listener) => listener.view()), ...this.#displaced];
  }

  /** Nothing is bound any more. */
  stop(): void {
    this.#isStopped = true;
    for (const listener of this.#current.values()) listener.stop();
  }
}
