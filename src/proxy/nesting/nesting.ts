/**
 * One replica among its peers: tells them its load, hears theirs, and has connections closed when
 * its own is too much.
 *
 * Lives in the process that answers for all workers. It relays nothing, and closes nothing itself:
 * the `ShedGroup` does.
 */
import type { Clock, Logger, Rng, Timer } from "../../base/index.ts";
import type { Resolver } from "../../discovery/index.ts";
import type { Registry } from "../../telemetry/index.ts";
import type { PeersConfig } from "../config.ts";
import { type LoadFigures, sumFigures } from "./load.ts";
import { PeerExchange } from "./peer-exchange.ts";
import { PeerServer } from "./peer-server.ts";
import { PeerTls } from "./peer-tls.ts";
import { type ShedPlan, ShedPlanner } from "./shed-planner.ts";
import { splitOrder, type WorkerLoad, type WorkerOrder } from "./shed-split.ts";
import { type ConnectionsView, type DownstreamsView, explainAll, type PeerState } from "./view.ts";

/** How often the load is taken and the planner looks at it. */
export const LOOK_MS = 500;

/** What carries out orders: a proxy, or several in processes of their own. */
export interface ShedGroup {
  /** The figures of each process. */
  loads(): Promise<readonly WorkerLoad[]>;
  /** Resolves with the number of connections that were closed. */
  shed(orders: readonly WorkerOrder[]): Promise<number>;
}

/** The real things that are needed. */
export interface NestingDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly registry: Registry;
  /** Of `PeersConfig.target`, not started yet. */
  readonly resolver: Resolver;
}

/** See the head of this file. */
export class Nesting {
  readonly #group: ShedGroup;
  readonly #config: PeersConfig;
  readonly #deps: NestingDeps;
  readonly #instance: string;
  readonly #tls: PeerTls | null;
  readonly #server: PeerServer;
  readonly #exchange: PeerExchange;
  readonly #planner: ShedPlanner;
  #own: LoadFigures = { connections: 0, callsPerSecond: 0 };
  #ownMs: number;
  #plan: ShedPlan | null = null;
  #isDraining = false;
  #isClosed = false;
  #timer: Timer | null = null;

  /** @throws TlsFileError when a certificate file cannot be used. */
  constructor(config: PeersConfig, group: ShedGroup, deps: NestingDeps) {
    const { clock, rng, log } = deps;
    this.#config = config;
    this.#group = group;
    this.#deps = deps;
    this.#instance = newInstance(rng);
    this.#ownMs = clock.nowMs();
    this.#tls = config.tls === null ? null : new PeerTls(config.tls, { clock, log });
    this.#server = new PeerServer(() => this.#answer(), this.#tls, log);
    this.#exchange = new PeerExchange(this.#instance, { ...deps, tls: this.#tls });
    this.#planner = new ShedPlanner(rng);
    this.#measure();
  }

  /** Listens for peers; resolves with the address. Rejects with `ListenError`. */
  listen(): Promise<string> {
    return this.#server.listen(this.#config.listen);
  }

  /** Begins to ask peers and to look at loads. */
  start(): void {
    this.#exchange.start();
    this.#arm();
  }

  /** We take no connections any more: peers are told so, and nothing is shed. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Ends everything. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#exchange.close();
    this.#server.close();
    this.#tls?.close();
  }

  /** All that there is to show, around the connections of the group. */
  view({ connections, sheds }: DownstreamsView): ConnectionsView {
    const plan = this.#plan;
    return {
      instance: this.#instance,
      balance: plan && {
        verdict: plan.verdict,
        reason: plan.reason,
        load: plan.load,
        mean: plan.mean,
        replicas: plan.replicas,
      },
      peers: this.#exchange.views(),
      sheds,
      connections: explainAll(connections, plan),
    };
  }

  #arm(): void {
    this.#timer = this.#deps.clock.setTimer(LOOK_MS, () => void this.#look());
  }

  async #look(): Promise<void> {
    const { clock, log } = this.#deps;
    try {
      const workers = await this.#group.loads();
      if (this.#isClosed) return;
      this.#own = sumFigures(workers);
      this.#ownMs = clock.nowMs();
      const input = { own: this.#own, ...this.#exchange.loads(), isDraining: this.#isDraining };
      const plan = this.#planner.plan(input, this.#ownMs);
      this.#plan = plan;
      if (plan.order !== null) {
        const count = await this.#group.shed(splitOrder(plan.order, workers));
        this.#planner.onShed(count, this.#own.connections, clock.nowMs());
      }
    } catch (error) {
      // Evening out is no reason to end a proxy.
      log.error("the load of the replicas cannot be looked at", { err: error });
    }
    if (!this.#isClosed) this.#arm();
  }

  #answer() {
    const ageMs = Math.max(0, this.#deps.clock.nowMs() - this.#ownMs);
    return { instance: this.#instance, ...this.#own, draining: this.#isDraining, ageMs };
  }

  #measure(): void {
    const { registry } = this.#deps;
    const states: readonly PeerState[] = ["ANSWERING", "DRAINING", "SELF", "SILENT", "UNKNOWN"];
    for (const state of states) {
      registry.gauge("fairlead_peers", "Addresses of other replicas by state.", { state }, () =>
        this.#exchange.count(state),
      );
    }
    const plan = (): ShedPlan | null => this.#plan;
    registry.gauge("fairlead_replica_load", LOAD_HELP, {}, () => plan()?.load ?? Number.NaN);
    registry.gauge("fairlead_replica_load_mean", MEAN_HELP, {}, () => plan()?.mean ?? Number.NaN);
  }
}

const LOAD_HELP = "Load of this replica as peers see it, in calls per second.";
const MEAN_HELP = "Mean load of all replicas that answer, this one included.";

/** 128 random bits; no secret. */
function newInstance(rng: Rng): string {
  return Array.from({ length: 16 }, () => rng.int(256).toString(16).padStart(2, "0")).join("");
}
