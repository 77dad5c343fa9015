/**
 * The service config of one resolver's name: which TXT records to follow, what they said last, and
 * whether there is a reason to wait for them.
 */
import type { Clock, Timer } from "../../base/index.ts";
import type { ServiceConfigResult } from "../endpoint.ts";
import { isSameServiceConfig } from "../service-config.ts";
import type { DnsNames, NameSubscription } from "./names.ts";

/** Addresses that were found first wait no longer for what TXT records say. */
export const CONFIG_WAIT_MS_MAX = 1000;
/** Between lookups: Node does not tell the TTL of TXT records, and configs change seldom. */
export const CONFIG_POLL_MS = 30_000;

/** What a `ConfigWatch` needs. */
export interface ConfigWatchDeps {
  readonly clock: Clock;
  readonly names: DnsNames;
  /** "ip:port" of the server to ask; null for the machine's own. */
  readonly server: string | null;
  /** `config` or `isSettled` is another one; not called from within `follow`. */
  readonly onChange: () => void;
}

/** See the head of this file. */
export class ConfigWatch {
  /** The last good word; null: there is none. */
  config: ServiceConfigResult | null = null;
  /** There was an answer, or it has taken too long. */
  isSettled = false;
  readonly #deps: ConfigWatchDeps;
  #name: string | null = null;
  #subscription: NameSubscription | null = null;
  #timer: Timer | null = null;
  #isFollowing = false;

  constructor(deps: ConfigWatchDeps) {
    this.#deps = deps;
  }

  /** @param fullName whose addresses were found; null when there are none: what was said stays. */
  follow(fullName: string | null): void {
    if (fullName === null) this.isSettled = true;
    if (fullName === null || fullName === this.#name) return;
    const { clock, names, server } = this.#deps;
    this.#name = fullName;
    this.#subscription?.close();
    if (!this.isSettled) {
      this.#timer ??= clock.setTimer(CONFIG_WAIT_MS_MAX, () => this.#settle(this.config));
    }
    this.#isFollowing = true;
    this.#subscription = names.watch(
      { host: fullName, portName: null, server, pollMs: CONFIG_POLL_MS, isConfig: true },
      ({ found }) => this.#settle(found === null ? this.config : (found.config ?? null)),
    );
    this.#isFollowing = false;
  }

  /** Nothing is asked, and nobody called, after this. */
  close(): void {
    this.#subscription?.close();
    this.#timer?.cancel();
  }

  #settle(config: ServiceConfigResult | null): void {
    const isNews = !this.isSettled || !isSameServiceConfig(config, this.config);
    this.isSettled = true;
    this.config = config;
    this.#timer?.cancel();
    if (isNews && !this.#isFollowing) this.#deps.onChange();
  }
}
