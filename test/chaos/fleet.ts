/**
 * For chaos tests: a fleet of echo servers that can be restarted or killed in place, a proxy
 * process in front of them, and its figures.
 */
import { readdirSync } from "node:fs";
import { ask, type StartedProxy, startProxy, until } from "../cli/harness.ts";
import type { SkippableTest } from "../peers/find.ts";
import { freePorts, readUsage } from "../peers/processes.ts";
import { type EchoServer, startEchoServer } from "../peers/storms.ts";
import type { CertificateFiles } from "../support/certificates.ts";

/** How long calls of a server may finish after SIGTERM. */
const SERVER_DRAIN_SECONDS = 30;

/** Echo servers on fixed addresses. */
export class Fleet {
  readonly addresses: readonly string[];
  readonly #t: SkippableTest;
  readonly #servers: (EchoServer | null)[];
  readonly #tls: CertificateFiles | null;
  /** Graceful ends and kills so far. */
  restarts = 0;
  kills = 0;

  private constructor(
    t: SkippableTest,
    addresses: readonly string[],
    tls: CertificateFiles | null,
  ) {
    this.#t = t;
    this.#tls = tls;
    this.addresses = addresses;
    this.#servers = addresses.map(() => null);
  }

  /**
   * Starts `count` servers, "echo-0" and on; null when the program is missing. They speak TLS with
   * the certificate of `tls`, plaintext without it.
   */
  static async start(
    t: SkippableTest,
    count: number,
    tls: CertificateFiles | null = null,
  ): Promise<Fleet | null> {
    const ports = await freePorts(count);
    const fleet = new Fleet(
      t,
      ports.map((port) => `127.0.0.1:${port}`),
      tls,
    );
    for (let i = 0; i < count; i += 1) if (!(await fleet.#start(i))) return null;
    return fleet;
  }

  async #start(i: number): Promise<boolean> {
    const args = ["-name", `echo-${i}`, "-drain-seconds", String(SERVER_DRAIN_SECONDS)];
    if (this.#tls !== null) {
      args.push("-tls-cert", this.#tls.certFile, "-tls-key", this.#tls.keyFile);
    }
    this.#servers[i] = await startEchoServer(this.#t, [this.addresses[i]], args);
    return this.#servers[i] !== null;
  }

  /** The target of a proxy. */
  get target(): string {
    return this.addresses.join(",");
  }

  /** Ends a server with GOAWAY, its calls finishing, and starts it anew. */
  async restart(i: number): Promise<void> {
    this.restarts += 1;
    await this.#servers[i]?.process.stop(2 * SERVER_DRAIN_SECONDS * 1_000);
    await this.#start(i);
  }

  /** Ends a server at once, its calls with it, and starts it anew. */
  async kill(i: number): Promise<void> {
    this.kills += 1;
    const server = this.#servers[i];
    server?.process.signal("SIGKILL");
    await server?.process.exited;
    await this.#start(i);
  }

  /** Ends all. */
  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server?.process.stop(2_000)));
  }
}

/** A proxy process under observation. */
export class WatchedProxy {
  readonly started: StartedProxy;

  constructor(started: StartedProxy) {
    this.started = started;
  }

  /** Starts `fairlead proxy` in front of a target and waits until `ready` endpoints are READY. */
  static async start(target: string, ready: number, ...flags: string[]): Promise<WatchedProxy> {
    const args = ["--listen", "127.0.0.1:0", "--admin", "0", "--to", target, ...flags];
    const proxy = new WatchedProxy(await startProxy(...args));
    await until(`${ready} endpoints are ready`, async () => {
      const states = (await proxy.endpoints()).map(({ state }) => state);
      return states.filter((state) => state === "READY").length === ready;
    });
    return proxy;
  }

  /** Where clients dial. */
  get address(): string {
    return this.started.addresses[0];
  }

  /** The endpoints as its admin shows them. */
  async endpoints(): Promise<{ state: string; activeCalls: number; calls: number }[]> {
    const { body } = await ask(this.started.admin, "/clusters?format=json");
    return JSON.parse(body).clusters[0].endpoints;
  }

  /** A metric, summed over its series. */
  async metric(name: string): Promise<number> {
    const { body } = await ask(this.started.admin, "/metrics");
    let sum = 0;
    for (const line of body.split("\n")) {
      const match = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line);
      if (match?.[1] === name) sum += Number(match[2]);
    }
    return sum;
  }

  /** Resident memory now, in bytes. */
  get rssBytes(): number {
    return readUsage(this.started.process.pid).rssBytes;
  }

  /** Open files and sockets. Linux only. */
  get fdCount(): number {
    return readdirSync(`/proc/${this.started.process.pid}/fd`).length;
  }

  /** Waits until nothing is in flight, waits or is held, and no client is connected. */
  async untilQuiet(): Promise<void> {
    for (const name of [
      "fairlead_calls_active",
      "fairlead_calls_waiting",
      "fairlead_downstream_connections",
      "fairlead_buffered_bytes",
    ]) {
      await until(`${name} is 0`, async () => (await this.metric(name)) === 0);
    }
    await until("no endpoint has calls", async () =>
      (await this.endpoints()).every(({ activeCalls }) => activeCalls === 0),
    );
  }

  /** SIGTERM; resolves with its exit. */
  stop(): ReturnType<StartedProxy["process"]["stop"]> {
    return this.started.process.stop(40_000);
  }
}
