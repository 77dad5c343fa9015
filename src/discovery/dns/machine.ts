/**
 * The machine's name files, fresh: each is read again when it is asked for and the last reading is
 * a second old, and parsed again when its text has changed.
 *
 * Reading instead of watching, because both files are swapped, bind-mounted and edited in place,
 * which file watchers report differently everywhere.
 */
import type { Clock } from "../../base/index.ts";
import type { DnsSystem } from "./client.ts";
import { type HostsFile, parseHostsFile } from "./hosts-file.ts";
import { parseResolvConf, type ResolvConf } from "./resolv-conf.ts";

/** How old a reading may be. */
export const FILE_AGE_MS_MAX = 1000;

/** Where resolv.conf(5) lives. */
export const RESOLV_CONF_PATH = "/etc/resolv.conf";
/** Where hosts(5) lives. */
export const HOSTS_PATH = "/etc/hosts";

/** See the head of this file. One for all lookups of a process. */
export class Machine {
  readonly #resolvConf: FreshFile<ResolvConf>;
  readonly #hosts: FreshFile<HostsFile>;
  #rotation = 0;

  constructor(system: DnsSystem, clock: Clock) {
    this.#resolvConf = new FreshFile(RESOLV_CONF_PATH, system, clock, (text) =>
      parseResolvConf(text, system.hostname()),
    );
    this.#hosts = new FreshFile(HOSTS_PATH, system, clock, parseHostsFile);
  }

  /** What resolv.conf says now, its servers rotated if it says so; null when there is none. */
  async resolvConf(): Promise<ResolvConf | null> {
    const conf = await this.#resolvConf.get();
    if (conf === null || !conf.rotate) return conf;
    const first = this.#rotation++ % conf.addresses.length;
    const addresses = [...conf.addresses.slice(first), ...conf.addresses.slice(0, first)];
    return { ...conf, addresses };
  }

  /** What the hosts file says now: nothing when there is none. */
  async hosts(): Promise<HostsFile> {
    return (await this.#hosts.get()) ?? new Map();
  }
}

class FreshFile<T> {
  readonly #path: string;
  readonly #system: DnsSystem;
  readonly #clock: Clock;
  readonly #parse: (text: string) => T;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #value: Promise<T | null> = Promise.resolve(null);
  #text: string | null = null;

  constructor(path: string, system: DnsSystem, clock: Clock, parse: (text: string) => T) {
    this.#path = path;
    this.#system = system;
    this.#clock = clock;
    this.#parse = parse;
  }

  get(): Promise<T | null> {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#readAtMs >= FILE_AGE_MS_MAX) {
      this.#readAtMs = nowMs;
      this.#value = this.#read(this.#value);
    }
    return this.#value;
  }

  async #read(before: Promise<T | null>): Promise<T | null> {
    const text = await this.#system.readText(this.#path);
    if (text === this.#text) return before;
    this.#text = text;
    return text === null ? null : this.#parse(text);
  }
}
