/**
 * A proxy in this process, under virtual time, on real sockets: for tests of what it relays.
 *
 * Upstreams are raw HTTP/2 servers, stock servers, or any address that a test gives.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { RecordingLogger, seededRng, VirtualClock } from "../../src/base/index.ts";
import { createResolver, type Resolver } from "../../src/discovery/index.ts";
import { overloadFigures } from "../../src/http2/index.ts";
import { createProxy, PROXY_DEFAULTS, type ProxyConfig } from "../../src/proxy/index.ts";
import { Registry } from "../../src/telemetry/index.ts";
import { settle } from "./cluster.ts";
import {
  eventually,
  type RawConnection,
  type RawOptions,
  RawServer,
  rawClient,
} from "./raw-http2.ts";

/** What the clock says when the proxy is made. */
export const START_MS = 1_000;

/** What a test may set; all else is as users have it. */
export type ProxyOverrides = Partial<ProxyConfig>;

/** See the head of this file. */
export class ProxyHarness {
  readonly clock = new VirtualClock();
  readonly log = new RecordingLogger();
  readonly proxy: ReturnType<typeof createProxy>;
  /** Where it listens. */
  addresses: string[] = [];
  readonly #rawServers: RawServer[] = [];
  readonly #clients: RawConnection[] = [];
  readonly #cleanups: (() => Promise<void> | void)[] = [];
  #isClosed = false;

  /** @param given in place of the resolver that the target asks for. */
  constructor(target: string, overrides: ProxyOverrides = {}, given: Resolver | null = null) {
    const config: ProxyConfig = {
      ...PROXY_DEFAULTS,
      listeners: [{ host: "127.0.0.1", port: 0 }],
      policy: { name: "round_robin", serviceConfig: null },
      target,
      ...overrides,
    };
    const { clock, log } = this;
    clock.advance(START_MS); // A real clock never says 0.
    const rng = seededRng(11);
    const resolver = given ?? createResolver(target, { clock, rng, log });
    this.proxy = createProxy(config, { clock, rng, log, resolver, registry: new Registry() });
  }

  /** Listens, and waits until `count` endpoints are ready. */
  async start(count: number): Promise<void> {
    this.addresses = await this.proxy.listen();
    await this.untilReady(count);
  }

  /** Waits until `count` endpoints are ready. */
  async untilReady(count: number): Promise<void> {
    await eventually(`${count} endpoints are ready`, () => {
      const [{ endpoints }] = this.proxy.clusters();
      return endpoints.filter(({ state }) => state === "READY").length === count;
    });
  }

  /** The first address. */
  get address(): string {
    return this.addresses[0];
  }

  /** The same as a URL of http:. */
  get url(): string {
    return `http://${this.address}`;
  }

  /** A raw client connection to it. */
  async client(options: RawOptions = {}): Promise<RawConnection> {
    const client = await rawClient(this.address, options);
    this.#clients.push(client);
    return client;
  }

  /** A stock client session to it. */
  async session(options: http2.ClientSessionOptions = {}): Promise<http2.ClientHttp2Session> {
    const session = http2.connect(this.url, options);
    session.on("error", () => {});
    this.onClose(() => session.destroy());
    await once(session, "connect");
    return session;
  }

  /** To be ended with the harness. */
  own(server: RawServer): void {
    this.#rawServers.push(server);
  }

  /** To be run when the harness closes, last first. */
  onClose(cleanup: () => Promise<void> | void): void {
    this.#cleanups.unshift(cleanup);
  }

  /** Calls in flight, the waiting ones included. */
  get activeCalls(): number {
    return this.metric("fairlead_calls_active");
  }

  /** The value of a metric, summed over its series that have all these labels. */
  metric(name: string, labels: Record<string, string> = {}): number {
    const families = this.proxy.metrics().families.filter((family) => family.name === name);
    const series = families.flatMap((family) => family.series);
    const isMatch = (has: Readonly<Record<string, string>>) =>
      Object.entries(labels).every(([key, value]) => has[key] === value);
    return series.filter((one) => isMatch(one.labels)).reduce((sum, one) => sum + one.value, 0);
  }

  /** Lets time pass, a second at a time, with the sockets keeping up. */
  async pass(ms: number): Promise<void> {
    await settle();
    for (let left = ms; left > 0; left -= 1_000) {
      this.clock.advance(Math.min(left, 1_000));
      await settle(3);
    }
  }

  /** Ends everything; with `isStrict`, checks that nothing is left of it. */
  async close(isStrict: boolean): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const client of this.#clients) client.destroy();
    for (const cleanup of this.#cleanups) await cleanup();
    if (isStrict) await eventually("no call is left", () => this.activeCalls === 0);
    this.proxy.close();
    for (const server of this.#rawServers) await server.close();
    if (!isStrict) return;
    await eventually("nothing is held", () => overloadFigures().bufferedBytes === 0);
    await eventually("no timer is left", () => this.clock.pendingCount === 0);
    const waiting = this.metric("fairlead_calls_waiting");
    assert.equal(waiting, 0, "no call waits");
  }
}

/** Runs a test with a proxy in front of `count` raw servers that have these options. */
export async function withProxy(
  count: number,
  body: (harness: ProxyHarness, upstreams: RawConnection[], servers: RawServer[]) => Promise<void>,
  overrides: ProxyOverrides = {},
  options: RawOptions = {},
): Promise<void> {
  const servers = await Promise.all(Array.from({ length: count }, () => RawServer.listen(options)));
  const target = servers.map(({ address }) => address).join(",");
  const harness = new ProxyHarness(target, overrides);
  for (const server of servers) harness.own(server);
  await runWith(harness, async () => {
    await harness.start(count);
    await body(harness, await Promise.all(servers.map((server) => server.next())), servers);
  });
}

/** Runs a test with a proxy in front of one stock server. */
export async function withStock(
  onStream: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
  body: (harness: ProxyHarness) => Promise<void>,
  overrides: ProxyOverrides = {},
): Promise<void> {
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    onStream(stream, headers);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const harness = new ProxyHarness(`127.0.0.1:${port}`, overrides);
  harness.onClose(async () => {
    for (const session of sessions) session.destroy();
    server.close();
    await once(server, "close");
  });
  await runWith(harness, async () => {
    await harness.start(1);
    await body(harness);
  });
}

/** Runs a body, and closes the harness in the end, strictly when the body went well. */
export async function runWith(harness: ProxyHarness, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    await harness.close(false);
    throw error;
  }
  await harness.close(true);
}
