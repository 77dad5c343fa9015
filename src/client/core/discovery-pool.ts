/**
 * Discovery as the channels of a process share it: opened when the first one needs Kubernetes,
 * closed with the last, so that a hundred channels with the same options share watches.
 *
 * Opening reads files, and may fail for a while: a kubeconfig that is not mounted yet. Whoever
 * waits is told why, and one timer for all tries again. Not here: what is then found out.
 */
import { type Clock, jittered, type Rng, type Timer, unrefClock } from "../../base/index.ts";
import {
  type Discovery,
  type DiscoveryOptions,
  type DiscoverySystem,
  DnsNames,
  openDiscovery,
  type ResolverDeps,
  systemDns,
} from "../../discovery/index.ts";
import { type MetricsSnapshot, mergeSnapshots, Registry } from "../../telemetry/index.ts";

/** The first retry comes after about this time; each next one after twice as long. */
export const OPEN_RETRY_MS_FIRST = 1000;
/** No retry comes later, before jitter. */
export const OPEN_RETRY_MS_MAX = 30_000;
/** Each delay is moved by up to this share, either way. */
const RETRY_JITTER = 0.2;
/** `hurry` brings no attempt closer to the one before than this. */
const HURRY_MS_MIN = 1000;

/** Waits for discovery. Never called after it left. */
export interface DiscoveryUser {
  /** It is open: once, and possibly from within `join`. */
  onOpen(deps: ResolverDeps): void;
  /** It cannot be opened yet; a sentence without secrets. Called when the reason changes. */
  onFailure(reason: string): void;
}

/** A user's place. */
export interface DiscoverySeat {
  /** Tries again now if it failed, at most once a second. */
  hurry(): void;
  /** The last one to leave closes the watches. Harmless when repeated. */
  leave(): void;
}

/** See the head of this file. One per process. */
export class DiscoveryPool {
  /** What `createResolver` needs for targets that need no Kubernetes. */
  readonly plain: ResolverDeps;
  readonly #system: DiscoverySystem;
  readonly #shared = new Map<string, SharedDiscovery>();

  /** @param system its `isUnref` holds for all that is opened here, lookups of names included. */
  constructor(system: DiscoverySystem) {
    const clock = system.isUnref === true ? unrefClock(system.clock) : system.clock;
    const { rng, log } = system;
    const dns = system.dns ?? new DnsNames({ clock, rng, system: systemDns() });
    this.#system = { ...system, clock, dns };
    this.plain = { clock, rng, log, dns };
  }

  /** How many discoveries are open or being opened: one per set of options in use. */
  get size(): number {
    return this.#shared.size;
  }

  /** The figures of all of them together. */
  snapshot(): MetricsSnapshot {
    return mergeSnapshots([...this.#shared.values()].map(({ registry }) => registry.snapshot()));
  }

  /** @param target a `kubernetes` target. */
  join(target: string, options: DiscoveryOptions, user: DiscoveryUser): DiscoverySeat {
    const key = keyOf(options);
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      // A registry each: the series of two would be the same.
      const registry = new Registry();
      const open = () => openDiscovery([target], options, { ...this.#system, registry });
      shared = new SharedDiscovery(open, registry, this.#system, () => this.#shared.delete(key));
      this.#shared.set(key, shared);
    }
    return shared.join(user);
  }
}

/** Equal for options that say the same. */
function keyOf(options: DiscoveryOptions): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return JSON.stringify(given.sort(([a], [b]) => (a < b ? -1 : 1)));
}

class SharedDiscovery {
  readonly registry: Registry;
  readonly #open: () => Promise<Discovery>;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #onEmpty: () => void;
  readonly #users = new Set<DiscoveryUser>();
  #discovery: Discovery | null = null;
  #failure: string | null = null;
  #timer: Timer | null = null;
  #startedAtMs = 0;
  #retryMs = OPEN_RETRY_MS_FIRST;

  constructor(
    open: () => Promise<Discovery>,
    registry: Registry,
    { clock, rng }: Pick<DiscoverySystem, "clock" | "rng">,
    onEmpty: () => void,
  ) {
    this.#open = open;
    this.registry = registry;
    this.#clock = clock;
    this.#rng = rng;
    this.#onEmpty = onEmpty;
    this.#try();
  }

  join(user: DiscoveryUser): DiscoverySeat {
    const own: DiscoveryUser = {
      onOpen: (deps) => user.onOpen(deps),
      onFailure: (reason) => user.onFailure(reason),
    };
    this.#users.add(own);
    if (this.#discovery !== null) own.onOpen(this.#discovery.deps);
    else if (this.#failure !== null) own.onFailure(this.#failure);
    return { hurry: () => this.#hurry(), leave: () => this.#leave(own) };
  }

  #leave(user: DiscoveryUser): void {
    if (!this.#users.delete(user) || this.#users.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#discovery?.close();
    this.#onEmpty();
  }

  #hurry(): void {
    if (this.#timer === null) return;
    this.#tryIn(Math.max(0, this.#startedAtMs + HURRY_MS_MIN - this.#clock.nowMs()));
  }

  #tryIn(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(delayMs, () => this.#try());
  }

  #try(): void {
    this.#timer = null;
    this.#startedAtMs = this.#clock.nowMs();
    this.#open().then(
      (discovery) => this.#onOpened(discovery),
      (error: unknown) => this.#onFailed(error instanceof Error ? error.message : String(error)),
    );
  }

  #onOpened(discovery: Discovery): void {
    if (this.#users.size === 0) {
      discovery.close(); // all left meanwhile
      return;
    }
    this.#discovery = discovery;
    this.#each((user) => user.onOpen(discovery.deps));
  }

  #onFailed(reason: string): void {
    if (this.#users.size === 0) return;
    const isNews = reason !== this.#failure;
    this.#failure = reason;
    this.#tryIn(jittered(this.#retryMs, RETRY_JITTER, this.#rng));
    this.#retryMs = Math.min(this.#retryMs * 2, OPEN_RETRY_MS_MAX);
    if (isNews) this.#each((user) => user.onFailure(reason));
  }

  /** Those who leave or join while others are told are heard, or not, as they are by then. */
  #each(tell: (user: DiscoveryUser) => void): void {
    for (const user of [...this.#users]) {
      if (this.#users.has(user)) tell(user);
    }
  }
}
