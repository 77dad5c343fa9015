/**
 * A cluster under a test's control: virtual time, real sockets on loopback, endpoints by hand.
 *
 * Time stands still while bytes move: only what the test advances is ever due.
 */
import assert from "node:assert/strict";
import { type Policy, parsePolicy, plainBalancing } from "../../src/balancing/index.ts";
import {
  RecordingLogger,
  type Rng,
  seededRng,
  TimerWheel,
  VirtualClock,
} from "../../src/base/index.ts";
import {
  type CallEvents,
  type CallFailure,
  Cluster,
  type ClusterCall,
  type ClusterConfig,
  type ClusterListener,
  type Connectivity,
  DEFAULT_CLUSTER_CONFIG,
  type EndpointView,
  parseServiceConfig,
} from "../../src/cluster/index.ts";
import {
  type Endpoint,
  type EndpointSet,
  newEndpoint,
  newEndpointSet,
  type Resolver,
  type ResolverListener,
  type ServiceConfigResult,
} from "../../src/discovery/index.ts";
import type { MethodConfig } from "../../src/grpc/index.ts";
import { type ErrorCode, type HeaderList, headerList } from "../../src/http2/index.ts";
import { Registry } from "../../src/telemetry/index.ts";
import { SocketConnection, type Ticking, TransportLoop } from "../../src/transport/index.ts";
import { eventually, grpcRequest, type Pairs, RawServer } from "./raw-http2.ts";

/** A resolver that says what the test says. */
export class ManualResolver implements Resolver {
  readonly target = "echo.test:1";
  listener: ResolverListener | null = null;
  isClosed = false;
  resolveNowCount = 0;

  start(listener: ResolverListener): void {
    this.listener = listener;
  }

  resolveNow(): void {
    this.resolveNowCount += 1;
  }

  close(): void {
    this.isClosed = true;
  }
}

/** Everything that a call told its caller, and what the test lets the caller take. */
export class CallerProbe implements CallEvents {
  /** What was told, in order: "response", "data 5", "trailers", "writable 3", "failed". */
  readonly log: string[] = [];
  response: HeaderList | null = null;
  trailers: HeaderList | null = null;
  readonly informational: HeaderList[] = [];
  readonly #parts: Buffer[] = [];
  failure: CallFailure | null = null;
  stoppedCode: ErrorCode | null = null;
  isEnded = false;
  /** Request bytes granted back so far, both ways of granting together. */
  creditedBytes = 0;
  /** Whether data is taken at once, or held until the test credits it. */
  isTaking = true;
  call: ClusterCall | null = null;

  onResponse(list: HeaderList, isEnd: boolean): void {
    this.log.push("response");
    this.response = list;
    if (isEnd) this.isEnded = true;
  }

  onInformational(list: HeaderList): void {
    this.log.push("informational");
    this.informational.push(list);
  }

  onResponseData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    this.log.push(`data ${end - start}`);
    this.#parts.push(Buffer.from(bytes.subarray(start, end)));
    if (isEnd) this.isEnded = true;
    return this.isTaking ? end - start : 0;
  }

  onResponseTrailers(list: HeaderList): void {
    this.log.push("trailers");
    this.trailers = list;
    this.isEnded = true;
  }

  onRequestWritable(bytes: number): void {
    assert.ok(bytes > 0, "credit is given in positive amounts");
    this.log.push(`writable ${bytes}`);
    this.creditedBytes += bytes;
  }

  onRequestStopped(code: ErrorCode): void {
    this.log.push("stopped");
    this.stoppedCode = code;
  }

  onFailed(failure: CallFailure): void {
    this.log.push("failed");
    assert.equal(this.failure, null, "a call fails once");
    assert.equal(this.isEnded, false, "a complete response is not followed by a failure");
    this.failure = failure;
  }

  /** Whether it ended without a complete response. */
  get isFailed(): boolean {
    return this.failure !== null;
  }

  /** Response bytes so far. */
  get body(): string {
    return Buffer.concat(this.#parts).toString("latin1");
  }

  /** The grpc-status of the response, or null. */
  get grpcStatus(): string | null {
    return (this.trailers ?? this.response)?.get("grpc-status") ?? null;
  }

  /** Sends request bytes and notes the credit. */
  send(text: string | Buffer, isEnd = false): void {
    const bytes = Buffer.from(text as string);
    this.creditedBytes += this.call!.sendData(bytes, 0, bytes.length, isEnd);
    bytes.fill(0xee); // Bytes may be read only until `sendData` returns.
  }

  /** Resolves when the response is complete or the call has failed. */
  over(): Promise<true> {
    return eventually("the call is over", () => this.isEnded || this.failure !== null);
  }
}

/** A loop that knows its connections. */
class SpyLoop extends TransportLoop {
  readonly connections: SocketConnection[] = [];

  override add(ticking: Ticking): void {
    if (ticking instanceof SocketConnection) this.connections.push(ticking);
    super.add(ticking);
  }
}

/** Settings of a harness. */
export interface HarnessOptions {
  readonly policy?: string | Policy;
  readonly rng?: Rng;
  readonly maxConnectionsPerEndpoint?: number;
  readonly readyTimeoutMs?: number;
  /** A service config after `JSON.parse`, of which all but the policy is taken. */
  readonly serviceConfig?: object;
  /** Whatever else the cluster is to be told. */
  readonly config?: Partial<ClusterConfig>;
}

/** See the head of this file. */
export class ClusterHarness {
  readonly clock = new VirtualClock();
  readonly loop = new SpyLoop(this.clock);
  readonly wheel = new TimerWheel(this.clock);
  readonly registry = new Registry();
  readonly resolver = new ManualResolver();
  readonly log = new RecordingLogger();
  readonly cluster: Cluster;
  readonly servers: RawServer[] = [];
  /** What the cluster told its listener, in order. */
  readonly connectivity: Connectivity[] = [];
  readonly serviceConfigs: (ServiceConfigResult | null)[] = [];
  /** What the listener does then. */
  onServiceConfig: () => void = () => {};

  constructor(options: HarnessOptions = {}) {
    const policy = options.policy ?? "round_robin";
    const config: ClusterConfig = {
      ...DEFAULT_CLUSTER_CONFIG,
      target: this.resolver.target,
      serviceConfig: {
        ...parseServiceConfig(options.serviceConfig ?? {}),
        balancing: plainBalancing(typeof policy === "string" ? parsePolicy(policy) : policy),
      },
      maxConnectionsPerEndpoint: options.maxConnectionsPerEndpoint ?? 10,
      readyTimeoutMs: options.readyTimeoutMs ?? 5_000,
      ...options.config,
    };
    const { clock, loop, wheel, registry, resolver, log } = this;
    const rng = options.rng ?? seededRng(7);
    const listener: ClusterListener = {
      onConnectivity: (state) => this.connectivity.push(state),
      onServiceConfig: (result) => {
        this.serviceConfigs.push(result);
        this.onServiceConfig();
      },
    };
    const deps = { clock, rng, log, loop, wheel, registry, resolver, listener };
    this.cluster = new Cluster(config, deps);
    this.cluster.start();
  }

  /** A started server that speaks as the test wishes; not yet an endpoint. */
  async server(...args: Parameters<typeof RawServer.listen>): Promise<RawServer> {
    const server = await RawServer.listen(...args);
    this.servers.push(server);
    return server;
  }

  /** Makes these the endpoints. */
  resolve(...endpoints: (RawServer | Endpoint | string)[]): void {
    this.resolver.listener!.onEndpoints(this.setOf(...endpoints));
  }

  /** The set of these. */
  setOf(...endpoints: (RawServer | Endpoint | string)[]): EndpointSet {
    return newEndpointSet(endpoints.map(endpointOf));
  }

  /** Starts `count` servers, makes them the endpoints, and waits until all are ready. */
  async ready(count: number, settings: Pairs | [number, number][] = []): Promise<RawServer[]> {
    const servers: RawServer[] = [];
    for (let i = 0; i < count; i += 1) {
      servers.push(await this.server({ settings: settings as [number, number][] }));
    }
    servers.sort((a, b) => (a.address < b.address ? -1 : 1));
    this.resolve(...servers);
    await this.untilReady(count);
    return servers;
  }

  /** Waits until `count` endpoints of the current set are ready. */
  async untilReady(count: number): Promise<void> {
    await eventually(`${count} endpoints are ready`, () => this.states("READY").length === count);
  }

  /** The cluster's side of all connections so far, oldest first. */
  get connections(): readonly SocketConnection[] {
    return this.loop.connections;
  }

  /** The endpoints as the cluster shows them. */
  get endpoints(): readonly EndpointView[] {
    return this.cluster.view().endpoints;
  }

  /** The view of one endpoint. */
  view(server: RawServer | string): EndpointView {
    const address = typeof server === "string" ? server : server.address;
    const found = this.endpoints.find((each) => each.address === address);
    assert.ok(found !== undefined, `${address} is shown`);
    return found;
  }

  /** Endpoints in a state. */
  states(state: string): EndpointView[] {
    return this.endpoints.filter((each) => each.state === state);
  }

  /** Starts a call. */
  call(
    options: {
      list?: Pairs;
      isEnd?: boolean;
      deadlineMs?: number;
      isTaking?: boolean;
      caller?: object;
      waitForReady?: boolean;
      /** Of its method. */
      config?: MethodConfig;
    } = {},
  ): CallerProbe {
    const probe = new CallerProbe();
    probe.isTaking = options.isTaking ?? true;
    const list = headerList(options.list ?? grpcRequest());
    const nowMs = this.clock.nowMs();
    const deadlineMs = options.deadlineMs ?? Number.POSITIVE_INFINITY;
    const isEnd = options.isEnd ?? true;
    const { config = null } = options;
    probe.call = this.cluster.call(list, isEnd, probe, deadlineMs, nowMs, config);
    probe.call.caller = options.caller ?? null;
    probe.call.waitForReady = options.waitForReady ?? true;
    probe.call.start();
    return probe;
  }

  /** The value of a metric, summed over its series that have all these labels. */
  metric(name: string, labels: Record<string, string> = {}): number {
    let sum = 0;
    for (const family of this.registry.snapshot().families) {
      if (family.name !== name) continue;
      for (const series of family.series) {
        const isMatch = Object.entries(labels).every(
          ([key, value]) => series.labels[key] === value,
        );
        if (isMatch && "value" in series) sum += Number(series.value);
      }
    }
    return sum;
  }

  /** Lets time pass, a second at a time, with the sockets keeping up. */
  async pass(ms: number): Promise<void> {
    await settle();
    for (let left = ms; left > 0; left -= 1_000) {
      this.clock.advance(Math.min(left, 1_000));
      await settle(3);
    }
  }

  /** Ends everything and checks that nothing is left of it. */
  async close(): Promise<void> {
    this.cluster.close();
    for (const server of this.servers) await server.close();
    await eventually("sockets are closed", () =>
      this.servers.every((server) => server.connections.every(({ isClosed }) => isClosed)),
    );
    await eventually("no timer is left", () => this.clock.pendingCount === 0);
    assert.equal(this.cluster.activeCalls, 0, "no call is left");
    assert.equal(this.wheel.size, 0, "no deadline is left");
    assert.ok(this.resolver.isClosed);
    const series = this.registry.snapshot().families.flatMap((family) => family.series);
    assert.deepEqual(series, [], "no metric series is left");
  }
}

function endpointOf(given: RawServer | Endpoint | string): Endpoint {
  if (typeof given === "string") return newEndpoint(given, "static");
  return given instanceof RawServer ? newEndpoint(given.address, "static") : given;
}

/** Lets sockets and the loop do what they are about to do. */
export async function settle(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i += 1) await new Promise((done) => setTimeout(done, 1));
}

/** Runs a test with a harness, and closes it in the end, also when the test failed. */
export async function withCluster(
  options: HarnessOptions,
  body: (harness: ClusterHarness) => Promise<void>,
): Promise<void> {
  const harness = new ClusterHarness(options);
  try {
    await body(harness);
  } catch (error) {
    harness.cluster.close();
    for (const server of harness.servers) await server.close();
    throw error;
  }
  await harness.close();
}
