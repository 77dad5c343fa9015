/**
 * What all channels of a process share: its clock, its loop, its names, its clusters. Made by the
 * first channel, of the real things.
 *
 * A client must not keep a program alive that has nothing more to do: every timer and socket here
 * lets the process end, and one timer that does not runs while calls are in flight.
 */
import {
  type Logger,
  realClock,
  realRng,
  type Timer,
  TimerWheel,
  unrefClock,
} from "../../base/index.ts";
import { type MetricsSnapshot, mergeSnapshots } from "../../telemetry/index.ts";
import { TransportLoop } from "../../transport/index.ts";
import { ClientChannel } from "./channel.ts";
import { containedLogger } from "./contained-logger.ts";
import { DiscoveryPool } from "./discovery-pool.ts";
import { createLazyResolver } from "./lazy-resolver.ts";
import { ProcessHold } from "./process-hold.ts";
import { relayLogger } from "./relay-logger.ts";
import type { ChannelSettings, ClientDeps } from "./settings.ts";
import { SharedClusters } from "./shared-clusters.ts";

/** The client side of a process. */
class ClientProcess {
  readonly deps: ClientDeps;
  readonly clusters: SharedClusters;
  /** Discovery of every channel: ours, and stock ones with our resolvers. */
  readonly pool: DiscoveryPool;
  /** Who hears what discovery has to say: watches that channels share are no one channel's. */
  readonly logs = new Set<Logger>();

  constructor() {
    const hold = new ProcessHold(realClock());
    const clock = unrefClock(realClock());
    const rng = realRng();
    const pool = new DiscoveryPool({
      ...{ clock, rng, log: relayLogger(this.logs) },
      env: process.env,
      isUnref: true,
      optionPrefix: "kubernetes.",
    });
    this.pool = pool;
    this.deps = {
      ...{ clock, rng },
      env: process.env,
      loop: new TransportLoop(clock),
      wheel: new TimerWheel(clock, undefined, true),
      createResolver: (target, discovery, txt) =>
        createLazyResolver(target, discovery, { pool, txt }),
      retain: () => hold.retain(),
      release: () => hold.release(),
    };
    this.clusters = new SharedClusters(this.deps);
  }

  /** The figures of all channels together. */
  snapshot(): MetricsSnapshot {
    return mergeSnapshots([this.clusters.snapshot(), this.pool.snapshot()]);
  }
}

let shared: ClientProcess | null = null;

/** The one client side of this process. */
export function clientProcess(): ClientProcess {
  shared ??= new ClientProcess();
  return shared;
}

/** A moment of the wall clock, as users give it, on the channels' clock. Infinity stays. */
export function clockTimeOf(wallMs: number): number {
  const clock = realClock();
  return clock.nowMs() + (wallMs - clock.wallMs());
}

/** Calls `fn` at a time on the channels' clock; the process lives until then. */
export function timerAt(atMs: number, fn: () => void): Timer {
  const clock = realClock();
  return clock.setTimer(Math.max(0, atMs - clock.nowMs()), fn);
}

/**
 * A channel on this process's client side.
 *
 * @throws ServiceConfigError or PolicyError when the service config is wrong.
 */
export function openChannel(settings: ChannelSettings): ClientChannel {
  const { deps, clusters } = clientProcess();
  const log = containedLogger(settings.log);
  return new ClientChannel({ ...settings, log }, deps, clusters);
}
