/**
 * A `fairlead proxy` process whose counts are read all the time, as its admin endpoint gives them.
 */
import { readdirSync } from "node:fs";
import { ask, type StartedProxy, startProxy, until } from "../cli/harness.ts";
import { AttemptCounts, type CountedEndpoint } from "./attempts.ts";
import type { Stage } from "./stage.ts";

/** Often enough to see an endpoint drain whose last stream takes this long. */
const LOOK_MS = 40;

/** The counters and gauges of a proxy, each summed over its series. */
export type ProxyMetrics = ReadonlyMap<string, number>;

/** Gauges that are 0 when nothing is in flight and nobody is connected. */
export const GAUGES_AT_REST = [
  "fairlead_calls_active",
  "fairlead_calls_waiting",
  "fairlead_downstream_connections",
  "fairlead_buffered_bytes",
] as const;

/** See the head of this file. */
export class WatchedProxy {
  readonly started: StartedProxy;
  readonly #counts = new AttemptCounts();
  #isWatched = true;
  readonly #watching: Promise<void>;

  private constructor(started: StartedProxy) {
    this.started = started;
    this.#watching = this.#watch();
  }

  /** Starts one and waits until it is ready for calls. */
  static async start(stage: Stage, flags: readonly string[]): Promise<WatchedProxy> {
    const started = await startProxy(...flags);
    stage.keep(started.process);
    const proxy = new WatchedProxy(started);
    await until("the proxy is ready", async () => {
      return (await ask(started.admin, "/ready")).status === 200;
    });
    return proxy;
  }

  /** Where callers dial. */
  get address(): string {
    return this.started.addresses[0];
  }

  async #watch(): Promise<void> {
    while (this.#isWatched) {
      // One that is killed or stopped is seen by its user.
      await this.endpoints().then(
        (endpoints) => this.#counts.look(endpoints),
        () => {},
      );
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
  }

  /** Its endpoints as `GET /clusters` shows them. */
  async endpoints(): Promise<CountedEndpoint[]> {
    const { body } = await ask(this.started.admin, "/clusters?format=json");
    return (JSON.parse(body) as { clusters: { endpoints: CountedEndpoint[] }[] }).clusters[0]
      .endpoints;
  }

  /** Its metrics as they are. */
  async metrics(): Promise<ProxyMetrics> {
    const { body } = await ask(this.started.admin, "/metrics");
    const sums = new Map<string, number>();
    for (const line of body.split("\n")) {
      const match = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line);
      if (match !== null) sums.set(match[1], (sums.get(match[1]) ?? 0) + Number(match[2]));
    }
    return sums;
  }

  /** Open files and sockets. Linux only. */
  get fdCount(): number {
    return readdirSync(`/proc/${this.started.process.pid}/fd`).length;
  }

  /** Waits until nothing is in flight and nobody is connected. Rejects naming what is left. */
  async untilAtRest(): Promise<void> {
    for (const name of GAUGES_AT_REST) {
      await until(`${name} of the proxy is 0`, async () => {
        return ((await this.metrics()).get(name) ?? 0) === 0;
      });
    }
  }

  /** The attempts it started, by uid; to be asked when nothing is in flight any more. */
  async attempts(): Promise<AttemptCounts["counts"]> {
    await this.unwatch();
    this.#counts.look(await this.endpoints());
    return this.#counts.counts;
  }

  /** Its counts are read no more. */
  async unwatch(): Promise<void> {
    this.#isWatched = false;
    await this.#watching;
  }

  /** SIGTERM. Throws unless it ends with exit code 0. */
  async stop(): Promise<void> {
    await this.unwatch();
    const exit = await this.started.process.stop(40_000);
    if (exit.code === 0) return;
    throw new Error(`the proxy ended with ${exit.code ?? exit.signal}`);
  }
}
