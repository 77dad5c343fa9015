/** What tests of channels share: channels on virtual time, whose resolver is the test's. */
import { type Logger, TimerWheel, VirtualClock } from "../../base/index.ts";
import {
  DEFAULT_CLUSTER_CONFIG,
  parseServiceConfig as parse,
  serviceConfigOf,
} from "../../cluster/index.ts";
import {
  newEndpointSet,
  type ResolverListener,
  type ServiceConfigResult,
} from "../../discovery/index.ts";
import { TransportLoop } from "../../transport/index.ts";
import type { CallOptions, ClientCallEvents } from "./call.ts";
import type { CallStatus } from "./call-status.ts";
import { ClientChannel } from "./channel.ts";
import type { ChannelSettings, ClientDeps } from "./settings.ts";
import { SharedClusters } from "./shared-clusters.ts";

/** A resolver that says what the test has it say. */
export class ResolverProbe {
  readonly target: string;
  listener: ResolverListener | null = null;
  isClosed = false;

  constructor(target: string) {
    this.target = target;
  }

  start(listener: ResolverListener): void {
    this.listener = listener;
  }

  resolveNow(): void {}

  close(): void {
    this.isClosed = true;
  }

  /** No endpoints, and this service config. */
  say(serviceConfig: ServiceConfigResult | null): void {
    this.listener!.onEndpoints({ ...newEndpointSet([], "the test has none"), serviceConfig });
  }
}

/** Chance that makes no jitter. */
const STEADY = { next: () => 0.5, int: () => 0 };

/** A process's client side on virtual time. */
export class ChannelHarness implements Pick<ClientDeps, "retain" | "release"> {
  readonly clock = new VirtualClock();
  readonly resolvers: ResolverProbe[] = [];
  readonly lines: string[] = [];
  readonly clusters: SharedClusters;
  readonly settings: ChannelSettings;
  retained = 0;
  readonly #deps: ClientDeps;

  constructor() {
    const write = (msg: string, fields: Record<string, unknown> = {}) => {
      this.lines.push(`${msg} ${JSON.stringify(fields)}`);
    };
    const quiet = () => {};
    const log: Logger = {
      ...{ trace: quiet, debug: quiet, info: quiet, warn: write, error: write },
      child: () => log,
    };
    this.#deps = {
      env: {},
      ...{ clock: this.clock, rng: STEADY },
      loop: new TransportLoop(this.clock),
      wheel: new TimerWheel(this.clock),
      createResolver: (target) => {
        const resolver = new ResolverProbe(target);
        this.resolvers.push(resolver);
        return resolver;
      },
      retain: () => this.retain(),
      release: () => this.release(),
    };
    this.clusters = new SharedClusters(this.#deps);
    const { backoff, connection, warmUp, replay } = DEFAULT_CLUSTER_CONFIG;
    const cluster = { backoff, connection, warmUp, replay, maxConnectionsPerEndpoint: 1 };
    this.settings = {
      ...{ target: "static:///127.0.0.1:1", dialTarget: null, discovery: {} },
      ...{ authority: "a.test", scheme: "http", userAgent: "test/1" },
      ...{ contentType: "application/grpc", serviceConfig: null },
      ...{ ownConfig: serviceConfigOf("least_request"), takesServiceConfig: true },
      cluster: { ...cluster, keepalive: null, secure: null, tunnel: null },
      ...{ encoding: "identity", sendBytesMax: 1_000, receiveBytesMax: 1_000 },
      ...{ attemptsMax: 5, idleTimeoutMs: 60_000, isShared: true, log },
    };
  }

  retain(): void {
    this.retained += 1;
  }

  release(): void {
    this.retained -= 1;
  }

  /** The resolver that was made last. */
  get resolver(): ResolverProbe {
    return this.resolvers.at(-1)!;
  }

  channel(change: Partial<ChannelSettings> = {}): ClientChannel {
    const own =
      change.serviceConfig === undefined ? {} : { ownConfig: parse(change.serviceConfig) };
    return new ClientChannel({ ...this.settings, ...own, ...change }, this.#deps, this.clusters);
  }
}

/** A call that notes its end. */
export class EndProbe implements ClientCallEvents {
  status: CallStatus | null = null;

  onHeaders(): void {}
  onMessage(): void {}
  onWritable(): void {}

  onEnd(status: CallStatus): void {
    this.status = status;
  }
}

/** A call of a channel, not yet started. */
export function newCall(channel: ClientChannel, options: Partial<CallOptions> = {}) {
  const events = new EndProbe();
  const call = channel.createCall(
    {
      ...{ path: "/a.B/C", deadlineMs: Number.POSITIVE_INFINITY, host: null },
      ...{ waitForReady: null, encoding: null },
      ...options,
    },
    events,
  );
  return { call, events };
}
