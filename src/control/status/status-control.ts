/**
 * Statuses of a control plane: judged by every replica, written by the one that leads.
 *
 * Objects that come from files are the user's: nothing is written then, what would be is shown, and
 * what is wrong is told in the log. That statuses cannot be written stops nothing else: it is told
 * in a line of the log, in the metrics and in `report`.
 */
import type { Clock, Logger, Rng } from "../../base/index.ts";
import type { ObjectWriter } from "../../discovery/index.ts";
import { StatusFaults } from "../../routes/index.ts";
import type { Reading, Registry } from "../../telemetry/index.ts";
import type { ObjectsState } from "../objects/state.ts";
import { LeaderElection } from "./election.ts";
import { StatusWriter, timeText } from "./status-writer.ts";
import { type StatusRow, StatusTasks } from "./tasks.ts";
import type { WantedStatuses } from "./wanted.ts";

/** The Lease of control planes, in the namespace that they run in. */
export const LEASE_NAME = "fairlead-control";

/** What it needs. */
export interface StatusControlDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** Where counters go; nowhere by default. */
  readonly registry?: Registry | undefined;
  /** Null: statuses are shown and not written. */
  readonly writer: ObjectWriter | null;
  readonly state: ObjectsState;
  /** Of the Lease. */
  readonly leaseNamespace: string;
  /** Of this replica, such as the pod's name; something is added that makes it nobody else's. */
  readonly replica: string;
}

/** How statuses stand. */
export interface StatusReport {
  /** `off`: they are not written at all; `follower`: another replica writes them. */
  readonly role: "off" | "leader" | "follower";
  /** The identity of who writes them, as far as it is known; or "". */
  readonly leader: string;
  /** One clause; null when there is none. */
  readonly problem: string | null;
  readonly pending: number;
  readonly written: number;
  readonly failed: number;
}

/**
 * `GET /statuses?format=json` of the admin endpoint: every status as it should be, whoever writes
 * it, sorted by kind and name. Example:
 *
 *     {"role": "leader", "leader": "control-0_3f2a91bc", "problem": null, "pending": 0,
 *      "written": 4, "failed": 0, "statuses": [{"kind": "GRPCRoute", "namespace": "prod",
 *      "name": "echo", "status": {"parents": []}}]}
 */
export interface StatusesView extends StatusReport {
  readonly statuses: readonly StatusRow[];
}

/** See the head of this file. */
export class StatusControl {
  readonly #deps: StatusControlDeps;
  readonly #tasks = new StatusTasks();
  readonly #election: LeaderElection | null;
  readonly #writer: StatusWriter | null;
  /** Where nobody writes statuses. */
  readonly #faults: StatusFaults;
  readonly #gauges: Reading[] = [];
  #wanted: WantedStatuses | null = null;
  #isStopped = false;

  constructor(deps: StatusControlDeps) {
    this.#deps = deps;
    const { clock, rng, log, writer, state, leaseNamespace } = deps;
    this.#faults = new StatusFaults(log);
    if (writer === null) {
      this.#election = null;
      this.#writer = null;
      return;
    }
    const statuses = new StatusWriter({
      ...{ clock, log, writer, state },
      isLeader: () => election.isLeader,
    });
    const election = new LeaderElection({
      ...{ clock, rng, log, writer, namespace: leaseNamespace, name: LEASE_NAME },
      identity: `${deps.replica}_${rng
        .int(2 ** 32)
        .toString(16)
        .padStart(8, "0")}`,
      onChange: () => statuses.refresh(),
    });
    this.#writer = statuses;
    this.#election = election;
    this.#measure();
  }

  /** Stands for election from now on. */
  start(): void {
    this.#election?.start();
  }

  /** See `StatusWriter.setWanted`. */
  setWanted(wanted: WantedStatuses): void {
    this.#wanted = wanted;
    if (this.#writer === null) this.#faults.tell(wanted);
    else this.#writer.setWanted(wanted);
  }

  /**
   * Writes nothing more and gives the Lease back. Harmless when repeated.
   *
   * @param onDone as of `LeaderElection.stop`; at once when it is stopped already.
   */
  stop(onDone: () => void): void {
    if (this.#isStopped) {
      onDone();
      return;
    }
    this.#isStopped = true;
    for (const gauge of this.#gauges) gauge.remove();
    this.#writer?.stop();
    if (this.#election === null) onDone();
    else this.#election.stop(onDone);
  }

  get report(): StatusReport {
    const election = this.#election;
    const writer = this.#writer;
    if (election === null || writer === null) {
      return { role: "off", leader: "", problem: null, pending: 0, written: 0, failed: 0 };
    }
    return {
      role: election.isLeader ? "leader" : "follower",
      leader: election.leader,
      problem: (election.problem ?? writer.problem)?.reason ?? null,
      ...writer.counts,
    };
  }

  /** All statuses as they should be, whoever writes them. */
  get statuses(): readonly StatusRow[] {
    const { state, clock } = this.#deps;
    if (this.#wanted === null) return [];
    return this.#tasks.statuses(state, this.#wanted, timeText(clock.wallMs()));
  }

  /** Both, for people and programs. */
  get view(): StatusesView {
    return { ...this.report, statuses: this.statuses };
  }

  #measure(): void {
    const { registry } = this.#deps;
    if (registry === undefined) return;
    const gauge = (name: string, help: string, read: () => number): void => {
      this.#gauges.push(registry.gauge(name, help, {}, read));
    };
    const report = () => this.report;
    gauge("fairlead_control_leader", "1 while this replica writes statuses.", () =>
      report().role === "leader" ? 1 : 0,
    );
    gauge(
      "fairlead_control_statuses_pending",
      "Statuses that differ and are not written yet.",
      () => report().pending,
    );
    gauge(
      "fairlead_control_statuses_written",
      "Statuses written since the start.",
      () => report().written,
    );
    gauge(
      "fairlead_control_status_failures",
      "Writes of statuses that failed since the start.",
      () => report().failed,
    );
    gauge(
      "fairlead_control_status_blocked",
      "1 while statuses or the Lease cannot be written.",
      () => (report().problem === null ? 0 : 1),
    );
  }
}
