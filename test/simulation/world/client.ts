/**
 * A process that calls: the real cluster, as a proxy or a client channel has it, and a load of
 * calls that come by themselves, whatever becomes of those before them.
 */
import type { Rng } from "../../../src/base/index.ts";
import { silentLogger, TimerWheel } from "../../../src/base/index.ts";
import {
  type CallEvents,
  type CallFailure,
  Cluster,
  type ClusterCall,
  type ClusterConfig,
  DEFAULT_CLUSTER_CONFIG,
  parseServiceConfig,
  type ServiceConfig,
} from "../../../src/cluster/index.ts";
import type { Resolver } from "../../../src/discovery/index.ts";
import { parseGrpcStatus, Status } from "../../../src/grpc/index.ts";
import { constantList, type HeaderList, headerList } from "../../../src/http2/index.ts";
import { Registry } from "../../../src/telemetry/index.ts";
import { exponential } from "./distributions.ts";
import type { Network } from "./network.ts";
import { STREAM_PATH, UNARY_PATH } from "./served-call.ts";

/** What a client calls: a `Service`, or an address of its own. */
export interface CallTarget {
  readonly network: Network;
  newResolver(client: string): Resolver;
}

/** How a client is made. */
export interface ClientConfig {
  readonly name: string;
  /** Service config as JSON has it. */
  readonly serviceConfig: unknown;
  /** Whatever else its cluster is told. */
  readonly cluster?: Partial<ClusterConfig>;
  /** Hears of each call that ended. */
  readonly onCallEnded?: (call: SimulatedCall) => void;
}

/** What a call is to be. */
export interface CallOptions {
  /** The header `call-id`; null for a call that nobody counts by its name. */
  readonly id?: string | null;
  readonly isStream?: boolean;
  /** Whether the request has a message, which a replay must send again. */
  readonly hasBody?: boolean;
  readonly deadlineMs?: number;
  /** gRPC's `wait_for_ready`; by default the call does not insist. */
  readonly waitForReady?: boolean;
}

/** As a channel of the client has its cluster; the defaults are a proxy's. */
export const CHANNEL_CLUSTER: Partial<ClusterConfig> = {
  maxConnectionsPerEndpoint: 1,
  readyTimeoutMs: Number.POSITIVE_INFINITY,
  capacityTimeoutMs: Number.POSITIVE_INFINITY,
  deadlineGraceMs: 0,
  isDeadlineTold: true,
};

/** A service config that says the policy's name and nothing else. */
export function policyConfig(name: string): Record<string, unknown> {
  return { loadBalancingConfig: [{ [name]: {} }] };
}

/** See the head of this file. */
export class Client {
  readonly cluster: Cluster;
  readonly #methods: ServiceConfig["methods"];
  readonly name: string;
  readonly registry = new Registry();
  readonly #target: CallTarget;
  readonly #rng: Rng;
  readonly #onCallEnded: (call: SimulatedCall) => void;
  /** Calls that were started and are not over. */
  active = 0;
  #isOffering = false;

  constructor(target: CallTarget, config: ClientConfig) {
    const { world } = target.network;
    this.name = config.name;
    this.#target = target;
    this.#rng = world.rng(`load of ${config.name}`);
    this.#onCallEnded = config.onCallEnded ?? (() => {});
    const loop = world.newLoop();
    const { clock } = world;
    const parsed = parseServiceConfig(config.serviceConfig);
    this.#methods = parsed.methods;
    const settings: ClusterConfig = {
      ...DEFAULT_CLUSTER_CONFIG,
      target: "kubernetes:///work.simulation:grpc",
      serviceConfig: parsed,
      maxConnectionsPerEndpoint: 10,
      readyTimeoutMs: 5_000,
      ...config.cluster,
    };
    this.cluster = new Cluster(settings, {
      clock,
      rng: world.rng(`picks of ${config.name}`),
      log: silentLogger,
      loop,
      wheel: new TimerWheel(clock),
      registry: this.registry,
      resolver: target.newResolver(config.name),
      connector: target.network.connector(loop),
    });
    this.cluster.start();
  }

  /** Starts one call. */
  call(options: CallOptions = {}): SimulatedCall {
    const nowMs = this.#target.network.world.nowMs;
    const ended = (call: SimulatedCall) => {
      this.active -= 1;
      this.#onCallEnded(call);
    };
    const call = new SimulatedCall(options, this.#target, ended);
    this.active += 1;
    const method = this.#methods.find(options.isStream === true ? STREAM_PATH : UNARY_PATH);
    call.start(this.cluster, method, options, nowMs);
    return call;
  }

  /**
   * From now on calls come at a rate, with gaps that are exponential, until `stop`.
   *
   * @param ratePerS asked anew for each gap, so that it may change.
   */
  offer(ratePerS: () => number, next: () => CallOptions = () => ({})): void {
    this.#isOffering = true;
    const { world } = this.#target.network;
    const arrive = () => {
      if (!this.#isOffering) return;
      this.call(next());
      world.after(exponential(1_000 / ratePerS())(this.#rng), arrive);
    };
    world.after(exponential(1_000 / ratePerS())(this.#rng), arrive);
  }

  /** The value of a metric, over all its series. */
  metric(name: string): number {
    const family = this.registry.snapshot().families.find((each) => each.name === name);
    const values = (family?.series ?? []).map((series) => ("value" in series ? series.value : 0));
    return values.reduce((sum, value) => sum + Number(value), 0);
  }

  /** No more calls; those in flight go on. */
  stop(): void {
    this.#isOffering = false;
  }
}

const UNARY = constantList(headersOf(UNARY_PATH));
const STREAM = constantList(headersOf(STREAM_PATH));
/** A message of gRPC with 27 bytes. */
const REQUEST = Uint8Array.of(0, 0, 0, 0, 27, ...new Uint8Array(27));

function headersOf(path: string): [string, string][] {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "work.simulation"],
    ["te", "trailers"],
    ["content-type", "application/grpc"],
  ];
}

function listOf(id: string | null, isStream: boolean): HeaderList {
  if (id === null) return isStream ? STREAM : UNARY;
  return headerList([...headersOf(isStream ? STREAM_PATH : UNARY_PATH), ["call-id", id]]);
}

/** One call as its caller sees it. */
export class SimulatedCall implements CallEvents {
  readonly id: string | null;
  readonly isStream: boolean;
  startedMs = 0;
  /** NaN while it is not over. */
  endedMs = Number.NaN;
  status: Status = Status.UNKNOWN;
  /** Why it failed without an answer; null when it was answered. */
  failure: CallFailure | null = null;
  readonly #target: CallTarget;
  readonly #onEnded: (call: SimulatedCall) => void;
  #call: ClusterCall | null = null;

  constructor(options: CallOptions, target: CallTarget, onEnded: (call: SimulatedCall) => void) {
    this.id = options.id ?? null;
    this.isStream = options.isStream ?? false;
    this.#target = target;
    this.#onEnded = onEnded;
  }

  /** Sends it on its way; it may be over when this returns. */
  start(
    cluster: Cluster,
    method: ReturnType<ServiceConfig["methods"]["find"]>,
    options: CallOptions,
    nowMs: number,
  ): void {
    this.startedMs = nowMs;
    const list = listOf(this.id, this.isStream);
    const hasBody = options.hasBody ?? false;
    const deadlineMs = nowMs + (options.deadlineMs ?? Number.POSITIVE_INFINITY);
    const call = cluster.call(list, !hasBody, this, deadlineMs, nowMs, method);
    this.#call = call;
    call.waitForReady = options.waitForReady ?? false;
    call.start();
    if (hasBody) call.sendData(REQUEST, 0, REQUEST.length, true);
  }

  /** Where its last attempt went; null before the first. */
  get address(): string | null {
    return this.#call?.address ?? null;
  }

  /** From its start to its end. */
  get tookMs(): number {
    return this.endedMs - this.startedMs;
  }

  get isOver(): boolean {
    return !Number.isNaN(this.endedMs);
  }

  #end(status: Status): void {
    if (this.isOver) throw new Error("a call ends once");
    this.status = status;
    this.endedMs = this.#target.network.world.nowMs;
    this.#onEnded(this);
  }

  #endBy(list: HeaderList): void {
    this.#end(list.grpcStatus === null ? Status.UNKNOWN : parseGrpcStatus(list.grpcStatus.value));
  }

  // CallEvents

  onResponse(list: HeaderList, isEnd: boolean): void {
    if (isEnd) this.#endBy(list);
  }

  onResponseData(_bytes: Uint8Array, start: number, end: number): number {
    return end - start;
  }

  onResponseTrailers(list: HeaderList): void {
    this.#endBy(list);
  }

  onFailed(failure: CallFailure): void {
    this.failure = failure;
    this.#end(failure.status);
  }

  onInformational(): void {}
  onRequestWritable(): void {}
  onRequestStopped(): void {}
}
