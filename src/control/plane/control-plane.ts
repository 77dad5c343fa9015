/**
 * A control plane: objects, snapshots of them, discovery for nodes, statuses, and an orderly end.
 *
 * The composition only; each part has its own room or folder. Everything is bound before anything
 * is served: when one address cannot be had, nothing runs.
 */
import type { Clock, Logger, Rng } from "../../base/index.ts";
import type { ObjectSource, ObjectWriter } from "../../discovery/index.ts";
import { type GrpcMethod, GrpcServer, Health } from "../../server/index.ts";
import { PROMETHEUS_CONTENT_TYPE, type Registry, renderPrometheus } from "../../telemetry/index.ts";
import { type ListenAddress, ServerTls, type ServerTlsFiles } from "../../transport/index.ts";
import { csdsMethods } from "../ads/csds.ts";
import { AdsService } from "../ads/service.ts";
import type { NodesView } from "../ads/status.ts";
import { ControlObjects } from "../objects/control-objects.ts";
import { areRoutesTouched, type ObjectsState, type TouchedKeys } from "../objects/state.ts";
import { ObjectSnapshots, type RoutePlanner } from "../snapshot/snapshots.ts";
import { StatusControl } from "../status/status-control.ts";
import type { WantedStatuses } from "../status/wanted.ts";
import { type AdminPages, ControlAdmin, jsonPage, textPage } from "./admin.ts";

/** What a control plane is told at birth. */
export interface ControlConfig {
  readonly listeners: readonly ListenAddress[];
  /** Null: no admin endpoint. */
  readonly admin: { readonly host: string; readonly port: number } | null;
  /** Null: plaintext. */
  readonly tls: ServerTlsFiles | null;
  /** Nodes may have only what the namespaces of their certificates may. */
  readonly isAuthorized: boolean;
  /** Only objects of these namespaces; null: of all. */
  readonly namespaces: readonly string[] | null;
  /** Of the Lease by which replicas agree who writes statuses. */
  readonly leaseNamespace: string;
  /** The name of this replica. */
  readonly replica: string;
  readonly drainTimeoutMs: number;
}

/** What its defaults are. */
export const CONTROL_DEFAULTS = {
  listen: { host: "127.0.0.1", port: 18_000 },
  drainTimeoutMs: 10_000,
} as const;

/** Makes statuses of all objects. */
export type StatusJudge = (state: ObjectsState) => WantedStatuses;

/** The real things that a control plane needs. */
export interface ControlSystem {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly registry: Registry;
  /** Closed by whoever opened it. */
  readonly source: ObjectSource;
  /** Null: statuses are not written. */
  readonly writer: ObjectWriter | null;
  readonly planner: RoutePlanner;
  /** Null: there are no statuses. */
  readonly judge: StatusJudge | null;
  /** Further methods on the port, such as channelz. */
  readonly methods?: readonly GrpcMethod[];
  /** Further paths of the admin endpoint. */
  readonly pages?: AdminPages;
}

/** Where it listens, with the ports in use. */
export interface ControlAddresses {
  readonly listen: readonly string[];
  readonly admin: string | null;
}

/** Nodes are told to go elsewhere one after the other, over this part of the drain's time. */
const DRAIN_SPREAD = 0.5;

/** See the head of this file. */
export class ControlPlane {
  readonly #config: ControlConfig;
  readonly #system: ControlSystem;
  readonly #tls: ServerTls | null;
  readonly #objects: ControlObjects;
  readonly #snapshots: ObjectSnapshots;
  readonly #ads: AdsService;
  readonly #statuses: StatusControl | null;
  readonly #health: Health;
  readonly #server: GrpcServer;
  readonly #admin: ControlAdmin;
  #draining: Promise<void> | null = null;

  /** @throws TlsFileError when certificates cannot be used. Nothing is bound yet. */
  constructor(config: ControlConfig, system: ControlSystem) {
    const { clock, rng, log, registry, source, writer, planner, judge } = system;
    this.#config = config;
    this.#system = system;
    this.#tls = config.tls === null ? null : ServerTls.load(config.tls, { clock, log });
    const { namespaces, leaseNamespace, replica, isAuthorized } = config;
    const prepare = (touched: TouchedKeys) => planner.prepare?.(state, touched) ?? null;
    const state = new ControlObjects(source, { clock, log, namespaces, registry, prepare });
    this.#objects = state;
    this.#snapshots = new ObjectSnapshots(state, planner);
    this.#ads = new AdsService({ clock, log, registry, source: this.#snapshots, isAuthorized });
    this.#statuses =
      judge === null
        ? null
        : new StatusControl({
            ...{ clock, rng, log, registry, writer, state },
            leaseNamespace,
            replica,
          });
    if (judge !== null) {
      let isFirst = true;
      state.subscribe({
        onObjects: (touched) => {
          // An empty cluster is to be judged too, once.
          if (isFirst || areRoutesTouched(touched)) this.#statuses?.setWanted(judge(state));
          isFirst = false;
        },
      });
    }
    this.#health = new Health(["envoy.service.discovery.v3.AggregatedDiscoveryService"]);
    const methods = [
      ...this.#ads.methods(),
      ...csdsMethods(this.#ads, clock),
      ...this.#health.methods(),
      ...(system.methods ?? []),
    ];
    const options = { addresses: config.listeners, tls: this.#tls };
    this.#server = new GrpcServer(options, methods, { clock, log });
    this.#admin = new ControlAdmin(this.#pages(), log);
  }

  /** Binds everything, then begins to watch. Rejects with ListenError; nothing runs then. */
  async start(): Promise<ControlAddresses> {
    const { admin: address } = this.#config;
    try {
      const admin = address === null ? null : await this.#admin.listen(address);
      const listen = await this.#server.listen();
      this.#objects.start();
      this.#statuses?.start();
      return { listen, admin };
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** How all nodes stand. */
  nodes(): NodesView {
    return this.#ads.nodes();
  }

  /** Whether nodes can be served, and why not. */
  readiness(): { readonly ready: boolean; readonly reason: string } {
    if (this.#draining !== null) return { ready: false, reason: "draining" };
    if (this.#snapshots.isSynced) return { ready: true, reason: "ready" };
    const [problem] = this.#objects.problems;
    const why = problem === undefined ? "" : `: ${problem.of} ${problem.kind}, ${problem.reason}`;
    return { ready: false, reason: `not all objects are known yet${why}` };
  }

  #pages(): AdminPages {
    const { registry, pages } = this.#system;
    const statuses = this.#statuses;
    return {
      "/livez": () => textPage(200, "live\n"),
      "/ready": () => {
        const { ready, reason } = this.readiness();
        return textPage(ready ? 200 : 503, `${reason}\n`);
      },
      "/metrics": () => ({
        status: 200,
        contentType: PROMETHEUS_CONTENT_TYPE,
        body: renderPrometheus(registry.snapshot()),
      }),
      "/nodes": () => jsonPage(this.nodes()),
      ...(statuses !== null && { "/statuses": () => jsonPage(statuses.view) }),
      ...pages,
    };
  }

  /**
   * Not ready any more; nodes are told to go elsewhere, one after the other. Resolves when they
   * have gone, or when the time is up.
   */
  drain(by: string): Promise<void> {
    this.#draining ??= this.#drain(by);
    return this.#draining;
  }

  async #drain(by: string): Promise<void> {
    const { log } = this.#system;
    const { drainTimeoutMs } = this.#config;
    log.info("draining", { by, drainTimeoutMs, nodes: this.#ads.streams.size });
    this.#health.setServing(false);
    this.#ads.drain(drainTimeoutMs * DRAIN_SPREAD);
    const { promise: givenBack, resolve } = Promise.withResolvers<void>();
    if (this.#statuses === null) resolve();
    else this.#statuses.stop(resolve);
    await Promise.all([this.#server.drain(drainTimeoutMs), givenBack]);
    this.close();
    log.info("drained", {});
  }

  /** Ends everything at once. Harmless when repeated. */
  close(): void {
    this.#admin.close();
    this.#server.close();
    this.#ads.close();
    this.#snapshots.close();
    this.#objects.close();
    this.#statuses?.stop(() => {});
    this.#tls?.close();
  }
}
