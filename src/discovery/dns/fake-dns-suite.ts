/** For tests: a machine whose DNS says what it is told, and tells what it was asked. */
import assert from "node:assert/strict";
import { RecordingLogger, type Rng, VirtualClock } from "../../base/index.ts";
import { createResolver, type EndpointSet } from "../index.ts";
import type { DnsAnswer, DnsFamily, DnsServers, DnsSystem, SrvRecord } from "./client.ts";
import { DnsNames } from "./names.ts";

/** What `setup` resolves, unless told otherwise. */
export const TARGET = "dns:///echo.prod:50051";
/** Chance that makes no jitter. */
export const STEADY: Rng = { next: () => 0.5, int: () => 0 };

/** What is said: the answer, or the code of an error; null never answers. */
export type Say<T> = readonly T[] | string | null;

/** What there is to say about one name. */
export interface FakeName {
  a: Say<string>;
  aaaa: Say<string>;
  srv: Say<SrvRecord>;
  txt: Say<readonly string[]>;
  ttlMs: number | null;
}

/** See the head of this file. */
export class FakeDns implements DnsSystem {
  /** By full name; what is not here does not exist. */
  readonly names = new Map<string, FakeName>();
  /** Every question: "A echo.prod" or "SRV _grpc._tcp.echo @ 10.0.0.10:53,10.0.0.11". */
  readonly asked: string[] = [];
  /** Questions that are open now, and the most that were open at a time. */
  openCount = 0;
  openMax = 0;
  /** Texts by path. */
  readonly files = new Map([["/etc/resolv.conf", "nameserver 10.0.0.53\n"]]);
  /** Paths in the order in which they were read. */
  readonly read: string[] = [];
  /** Prefixes of addresses to which the kernel knows no way. */
  unroutable: string[] = [];
  machineName = "machine";
  readonly #waiting: (() => void)[] = [];

  /** The name's entry, made with nothing in it when it is new. */
  name(name: string): FakeName {
    const known = this.names.get(name);
    if (known !== undefined) return known;
    const entry: FakeName = {
      a: "ENODATA",
      aaaa: "ENODATA",
      srv: "ENODATA",
      txt: "ENODATA",
      ttlMs: null,
    };
    this.names.set(name, entry);
    return entry;
  }

  async queryAddresses(name: string, family: DnsFamily, servers: DnsServers): Promise<DnsAnswer> {
    return this.#addresses(name, family, servers.addresses.join(","));
  }

  async querySrv(name: string, servers: DnsServers): Promise<readonly SrvRecord[]> {
    return this.#answer(name, "SRV", servers.addresses.join(","), (entry) => entry.srv);
  }

  async queryTxt(name: string, servers: DnsServers): Promise<readonly (readonly string[])[]> {
    return this.#answer(name, "TXT", servers.addresses.join(","), (entry) => entry.txt);
  }

  async lookupAddresses(host: string, family: DnsFamily): Promise<DnsAnswer> {
    return this.#addresses(host, family, "getaddrinfo");
  }

  async readText(path: string): Promise<string | null> {
    this.read.push(path);
    return this.files.get(path) ?? null;
  }

  async hasRoute(ip: string): Promise<boolean> {
    return !this.unroutable.some((prefix) => ip.startsWith(prefix));
  }

  hostname(): string {
    return this.machineName;
  }

  /** Lets the questions go on that were asked while the answer was null. */
  release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #addresses(name: string, family: DnsFamily, whom: string): Promise<DnsAnswer> {
    const addresses = await this.#answer(name, family === 4 ? "A" : "AAAA", whom, (entry) =>
      family === 4 ? entry.a : entry.aaaa,
    );
    return { addresses, ttlMs: this.names.get(name)?.ttlMs ?? null };
  }

  async #answer<T>(
    name: string,
    type: string,
    whom: string,
    pick: (entry: FakeName) => Say<T>,
  ): Promise<readonly T[]> {
    this.asked.push(`${type} ${name} @ ${whom}`);
    this.openCount += 1;
    this.openMax = Math.max(this.openMax, this.openCount);
    const say = () => {
      const entry = this.names.get(name);
      return entry === undefined ? "ENOTFOUND" : pick(entry);
    };
    if (say() === null) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else await Promise.resolve();
    this.openCount -= 1;
    const said = say();
    if (typeof said === "string") throw Object.assign(new Error(`query ${said}`), { code: said });
    return said ?? [];
  }
}

/** A resolver on virtual time, and what its listener heard: "+ addresses" or "! reason". */
export function setup(
  options: { target?: string; rng?: Rng; dnsPollMs?: number; txt?: boolean } = {},
) {
  const clock = new VirtualClock();
  const dns = new FakeDns();
  const echo = dns.name("echo.prod");
  const rng = options.rng ?? STEADY;
  const names = new DnsNames({ clock, rng, system: dns });
  const log = new RecordingLogger();
  const heard: string[] = [];
  const sets: EndpointSet[] = [];
  const { dnsPollMs, txt } = options;
  const deps = { clock, dns: names, log, rng, dnsPollMs, txt };
  const resolver = createResolver(options.target ?? TARGET, deps);
  const start = () =>
    resolver.start({
      onEndpoints: (set) => {
        sets.push(set);
        heard.push(`+ ${set.endpoints.map(({ address }) => address).join(" ")}`.trimEnd());
      },
      onError: (reason) => heard.push(`! ${reason}`),
    });
  /** Moves time on from timer to timer, with the promises in between settled. */
  const pass = async (ms: number) => {
    const endMs = clock.nowMs() + ms;
    await settled();
    while (clock.nowMs() < endMs || clock.nextDueMs <= endMs) {
      clock.advance(Math.min(clock.nextDueMs, endMs) - clock.nowMs());
      await settled();
    }
  };
  const end = () => {
    resolver.close();
    resolver.close();
    assert.equal(clock.pendingCount, 0);
    assert.equal(names.size, 0);
  };
  /** How many lookups began, by their A queries. */
  const count = () => dns.asked.filter((question) => question.startsWith("A ")).length;
  return { clock, dns, deps, echo, count, log, heard, sets, names, resolver, start, pass, end };
}

/** When all promises that can be settled are. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
