/**
 * Leader election by a Lease: at most one of several replicas does what only one should do.
 *
 * The rules are those of client-go's `leaderelection`: who holds the Lease renews it every
 * `RETRY_PERIOD_MS` and stops to lead when that has failed for `RENEW_DEADLINE_MS`; another takes
 * it when it has not *seen* it change for the holder's duration, by its own clock, so that clocks
 * that disagree do no harm; on a stop it is released, and the next one need not wait. As there,
 * this is no fence: two may lead for a moment when one stands still, so what leaders write must
 * bear that.
 */
import { assert, type Clock, type Logger, type Rng, type Timer } from "../../base/index.ts";
import type {
  ObjectWriter,
  WriteFailure,
  WriteResult,
  WriteTarget,
} from "../../discovery/index.ts";
import { type LeaseRecord, leaseOf, leaseTarget, readLease } from "./lease.ts";

/** A Lease that its holder did not renew for so long may be taken. */
export const LEASE_DURATION_MS = 15_000;
/** Who could not renew its Lease for so long leads no more. */
export const RENEW_DEADLINE_MS = 10_000;
/** Between two renewals. */
export const RETRY_PERIOD_MS = 2000;
/** Others look that much later at most, at random: 2.2 times the period. */
const JITTER_MAX = 1.2;
/** An answer that takes longer is given up: the next may come in time. */
const ATTEMPT_MS_MAX = 5000;
/** Where Leases may not be read or written it is tried again so often. */
const FORBIDDEN_RETRY_MS = 30_000;
/** A stop waits this long for the release; then the Lease runs out by itself. */
const RELEASE_MS_MAX = 2000;

/** What an election needs. */
export interface ElectionDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly writer: ObjectWriter;
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Nobody else's: one that comes back under it is taken for the same. */
  readonly identity: string;
  /** Called alternately, first with true; never within `start`, but within `stop`. */
  readonly onChange: (isLeader: boolean) => void;
}

/** See the head of this file. */
export class LeaderElection {
  readonly #deps: ElectionDeps;
  readonly #target: WriteTarget;
  #record: LeaseRecord | null = null;
  /** When the record was first seen as it is. */
  #seenAtMs = 0;
  /** When the last renewal that was answered had been sent. */
  #renewedAtMs = Number.NEGATIVE_INFINITY;
  #isLeader = false;
  #problem: WriteFailure | null = null;
  #request: { close(): void } | null = null;
  #requestTimer: Timer | null = null;
  #retryTimer: Timer | null = null;
  #deadlineTimer: Timer | null = null;
  #isStopped = false;

  constructor(deps: ElectionDeps) {
    this.#deps = deps;
    this.#target = leaseTarget(deps.namespace, deps.name);
  }

  /** Begins to stand for election. */
  start(): void {
    this.#attempt();
  }

  /**
   * Leads no more from now on, and gives the Lease back if it is held.
   *
   * @param onDone called once: at once when there is nothing to give back, otherwise later.
   */
  stop(onDone: () => void): void {
    assert(!this.#isStopped, "it is stopped once");
    this.#isStopped = true;
    const record = this.#record;
    const isHeld = this.#isLeader && record !== null;
    this.#endAttempt();
    this.#retryTimer?.cancel();
    this.#depose();
    if (!isHeld) {
      onDone();
      return;
    }
    const { transitions } = record;
    const change = { holder: "", durationMs: 1000, transitions, isTaken: true };
    const finish = (): void => {
      this.#endAttempt();
      onDone();
    };
    this.#send("update", change, finish, RELEASE_MS_MAX);
  }

  /** Whether this one leads at this moment: asked before each act, since timers may be late. */
  get isLeader(): boolean {
    return this.#isLeader && this.#deps.clock.nowMs() < this.#renewedAtMs + RENEW_DEADLINE_MS;
  }

  /** Who leads, as far as it is known: an identity, or "". */
  get leader(): string {
    return this.#record?.holder ?? "";
  }

  /** Why the Lease cannot be read or written; null when it can. */
  get problem(): WriteFailure | null {
    return this.#problem;
  }

  #attempt(): void {
    this.#retryTimer = null;
    if (this.#isLeader) this.#renew();
    else this.#look();
  }

  /** The holder writes what it knows; when somebody else has written, it looks. */
  #renew(): void {
    this.#take((failure) => {
      if (failure.kind === "conflict" || failure.kind === "absent") this.#look();
      else this.#onFailure(failure);
    });
  }

  #look(): void {
    this.#request = this.#deps.writer.send("get", this.#target, null, (result) => {
      this.#endAttempt();
      if (result.failure === null) this.#onSeen(readLease(result.object));
      else if (result.failure.kind === "absent") this.#create();
      else this.#onFailure(result.failure);
    });
    this.#armTimeout(ATTEMPT_MS_MAX);
  }

  #onSeen(record: LeaseRecord): void {
    this.#observe(record);
    const { clock, identity } = this.#deps;
    const { holder, durationMs } = record;
    const isOwn = holder === identity;
    const isRunning = clock.nowMs() < this.#seenAtMs + durationMs;
    if (isOwn || holder === "" || !isRunning) {
      this.#take((failure) => this.#onFailure(failure));
      return;
    }
    this.#onGood();
    this.#depose();
    this.#retryIn(RETRY_PERIOD_MS * (1 + this.#deps.rng.next() * JITTER_MAX));
  }

  #create(): void {
    this.#record = null;
    this.#take((failure) => this.#onFailure(failure));
  }

  /** Writes that we hold it: a renewal, or not. */
  #take(onFailure: (failure: WriteFailure) => void): void {
    const { identity, clock } = this.#deps;
    const record = this.#record;
    const isTaken = record?.holder !== identity;
    const transitions = (record?.transitions ?? 0) + (isTaken && record !== null ? 1 : 0);
    const change = { holder: identity, durationMs: LEASE_DURATION_MS, transitions, isTaken };
    const sentAtMs = clock.nowMs();
    const onDone = ({ object, failure }: WriteResult): void => {
      this.#endAttempt();
      if (failure !== null) {
        onFailure(failure);
        return;
      }
      this.#observe(readLease(object));
      this.#onHeld(sentAtMs);
    };
    this.#send(record === null ? "create" : "update", change, onDone, ATTEMPT_MS_MAX);
  }

  #send(
    verb: "create" | "update",
    change: Parameters<typeof leaseOf>[2],
    onDone: (result: WriteResult) => void,
    timeoutMs: number,
  ): void {
    const { writer, clock } = this.#deps;
    const body = leaseOf(this.#target, this.#record, change, clock.wallMs());
    this.#request = writer.send(verb, this.#target, body, onDone);
    this.#armTimeout(timeoutMs, onDone);
  }

  #armTimeout(delayMs: number, onDone?: (result: WriteResult) => void): void {
    this.#requestTimer = this.#deps.clock.setTimer(delayMs, () => {
      this.#endAttempt();
      const reason = `no answer within ${delayMs / 1000} s`;
      const failure: WriteFailure = { kind: "unreachable", reason, retryAfterMs: 0 };
      if (onDone === undefined) this.#onFailure(failure);
      else onDone({ object: null, failure });
    });
  }

  #observe(record: LeaseRecord): void {
    if (this.#record?.text !== record.text) this.#seenAtMs = this.#deps.clock.nowMs();
    this.#record = record;
  }

  #onHeld(sentAtMs: number): void {
    this.#onGood();
    this.#renewedAtMs = sentAtMs;
    this.#deadlineTimer?.cancel();
    const leftMs = sentAtMs + RENEW_DEADLINE_MS - this.#deps.clock.nowMs();
    this.#deadlineTimer = this.#deps.clock.setTimer(leftMs, () => this.#depose());
    this.#retryIn(RETRY_PERIOD_MS);
    if (this.#isLeader) return;
    this.#isLeader = true;
    this.#deps.log.info("this replica writes the statuses", { lease: this.#leaseName });
    this.#deps.onChange(true);
  }

  #onFailure(failure: WriteFailure): void {
    const isNews = this.#problem?.reason !== failure.reason;
    // Somebody was faster: that is what elections are for.
    if (failure.kind !== "conflict") this.#problem = failure;
    if (isNews && failure.kind !== "conflict") {
      const { kind, reason } = failure;
      this.#deps.log.warn("the Lease cannot be held", { lease: this.#leaseName, kind, reason });
    }
    const isForbidden = failure.kind === "forbidden";
    const periodMs = isForbidden ? FORBIDDEN_RETRY_MS : RETRY_PERIOD_MS;
    const jitter = this.#isLeader ? 0 : this.#deps.rng.next() * JITTER_MAX;
    this.#retryIn(Math.max(failure.retryAfterMs, periodMs * (1 + jitter)));
  }

  #onGood(): void {
    if (this.#problem === null) return;
    this.#problem = null;
    this.#deps.log.info("the Lease can be read and written again", { lease: this.#leaseName });
  }

  #depose(): void {
    this.#deadlineTimer?.cancel();
    this.#deadlineTimer = null;
    if (!this.#isLeader) return;
    this.#isLeader = false;
    this.#deps.log.info("this replica writes no statuses any more", { lease: this.#leaseName });
    this.#deps.onChange(false);
  }

  #retryIn(delayMs: number): void {
    this.#retryTimer?.cancel();
    if (this.#isStopped) return;
    this.#retryTimer = this.#deps.clock.setTimer(delayMs, () => this.#attempt());
  }

  #endAttempt(): void {
    this.#request?.close();
    this.#request = null;
    this.#requestTimer?.cancel();
    this.#requestTimer = null;
  }

  get #leaseName(): string {
    return `${this.#target.namespace}/${this.#target.name}`;
  }
}
