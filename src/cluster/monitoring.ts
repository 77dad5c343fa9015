/**
 * Which endpoints of a cluster are monitored, and how: by its service config and its policy.
 *
 * What a monitor does is its own business; here it is put together.
 */

import type { Policy } from "../balancing/index.ts";
import type { Clock, Logger, Rng } from "../base/index.ts";
import { formatGrpcTimeout } from "../grpc/index.ts";
import { constantList } from "../http2/index.ts";
import { ActiveCheck, CHECK_PATH } from "./active-check.ts";
import { Backoff } from "./backoff.ts";
import type { ClusterConfig } from "./config.ts";
import { EndpointMonitor } from "./endpoint-monitor.ts";
import { encodeHealthRequest } from "./health-messages.ts";
import { HealthWatch, WATCH_ANSWER_TIMEOUT_MS, WATCH_PATH } from "./health-watch.ts";
import type { KeptStreamDeps } from "./kept-stream.ts";
import { REPORTS_PATH, ReportStream } from "./load-reports.ts";
import { encodeReportRequest } from "./orca-messages.ts";
import { framed, type OwnRequest } from "./own-stream.ts";
import type { ServiceConfig } from "./service-config.ts";
import type { Subchannel } from "./subchannel.ts";

/** What it needs of its cluster. */
export interface MonitoringDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
}

/** See the head of this file. */
export class Monitoring {
  readonly #config: ClusterConfig;
  readonly #deps: MonitoringDeps;
  #serviceConfig: ServiceConfig;
  /** Methods that some endpoint did not know, and the log has told of. */
  readonly #told = new Set<string>();

  constructor(config: ClusterConfig, deps: MonitoringDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#serviceConfig = config.serviceConfig;
  }

  /** From now on this holds; monitors that say the same go on. */
  reconfigure(serviceConfig: ServiceConfig, subchannels: readonly Subchannel[]): void {
    const before = keyOf(this.#serviceConfig);
    this.#serviceConfig = serviceConfig;
    if (keyOf(serviceConfig) === before) return;
    this.#told.clear();
    for (const subchannel of subchannels) this.attach(subchannel);
  }

  /** Monitors an endpoint, in the place of what monitored it before. */
  attach(subchannel: Subchannel): void {
    subchannel.monitor?.stop();
    subchannel.monitor = this.#newMonitor(subchannel);
    if (!subchannel.isConnected) return;
    if (subchannel.monitor === null) subchannel.setHealth("serving", "");
    else subchannel.monitor.start(subchannel.isReady);
  }

  #newMonitor(subchannel: Subchannel): EndpointMonitor | null {
    const { healthCheck, extensions, balancing } = this.#serviceConfig;
    const { policy } = balancing;
    const watched = isWatched(policy) ? healthCheck : null;
    const { activeHealthCheck } = extensions;
    const periodMs = policy.reportPeriodMs ?? null;
    if (watched === null && activeHealthCheck === null && periodMs === null) return null;
    const { clock, rng } = this.#deps;
    const monitor = new EndpointMonitor(subchannel, clock);
    const { address } = subchannel.endpoint;
    if (watched !== null) {
      const request = this.#requestOf(
        WATCH_PATH,
        address,
        encodeHealthRequest(watched.serviceName),
      );
      const deps = this.#keptDeps(subchannel, request, WATCH_ANSWER_TIMEOUT_MS);
      const onUnimplemented = () => this.#tell(WATCH_PATH, address, "it counts as serving");
      monitor.addJudge((onHealth) => new HealthWatch(deps, onHealth, onUnimplemented));
    }
    if (activeHealthCheck !== null) {
      const { serviceName, timeoutMs } = activeHealthCheck;
      const message = encodeHealthRequest(serviceName);
      const request = this.#requestOf(CHECK_PATH, address, message, timeoutMs);
      const deps = { place: subchannel, request, clock, rng, config: activeHealthCheck };
      monitor.addJudge((onHealth) => new ActiveCheck(deps, onHealth));
    }
    if (periodMs !== null) {
      const request = this.#requestOf(REPORTS_PATH, address, encodeReportRequest(periodMs));
      const deps = this.#keptDeps(subchannel, request, Number.POSITIVE_INFINITY);
      const onUnimplemented = () => this.#tell(REPORTS_PATH, address, "its weight is the mean");
      monitor.addReporter(new ReportStream(deps, subchannel, onUnimplemented));
    }
    return monitor;
  }

  #keptDeps(place: Subchannel, request: OwnRequest, answerTimeoutMs: number): KeptStreamDeps {
    const { clock, rng } = this.#deps;
    const backoff = new Backoff(rng, this.#config.backoff);
    return { place, request, clock, backoff, answerTimeoutMs };
  }

  #requestOf(path: string, address: string, message: Uint8Array, timeoutMs?: number): OwnRequest {
    const { authority, secure } = this.#config;
    const ofAddress = address.startsWith("unix:") ? "localhost" : address;
    const pairs: [string, string][] = [
      [":method", "POST"],
      [":scheme", secure === null ? "http" : "https"],
      [":path", path],
      [":authority", authority ?? ofAddress],
      ["content-type", "application/grpc"],
      ["te", "trailers"],
      ["user-agent", "fairlead"],
    ];
    if (timeoutMs !== undefined) pairs.push(["grpc-timeout", formatGrpcTimeout(timeoutMs)]);
    return { list: constantList(pairs), message: framed(message) };
  }

  /** Once for all endpoints: they are of one kind. */
  #tell(path: string, endpoint: string, so: string): void {
    if (this.#told.has(path)) return;
    this.#told.add(path);
    const { target } = this.#config;
    this.#deps.log.warn(`endpoint does not implement ${path.slice(1)}: ${so}`, {
      target,
      endpoint,
    });
  }
}

/** "The pick_first LB policy will unconditionally ... inhibit health checking." (A17) */
function isWatched(policy: Policy): boolean {
  return policy.connects !== "first";
}

/** All that a monitor depends on. */
function keyOf({ healthCheck, extensions, balancing }: ServiceConfig): string {
  const { policy } = balancing;
  const watched = isWatched(policy) ? healthCheck : null;
  return JSON.stringify([watched, extensions.activeHealthCheck, policy.reportPeriodMs ?? null]);
}
