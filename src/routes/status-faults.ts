/**
 * What statuses say is wrong, as lines of a log: for those whose statuses nobody writes, or whose
 * reader may not see them.
 *
 * A condition is told when it begins to say so and when it says something else, never again while
 * it stays. What is kept is of objects that there are, and a change tells a few lines at most, with
 * the number of the others: thousands of routes break at once when their Gateway goes.
 */
import type { Logger } from "../base/index.ts";
import type { ParentRef } from "../discovery/index.ts";

/** Lines that one change of all objects tells, and one more that counts the rest. */
export const STATUS_FAULT_LINES_MAX = 20;

/** A condition, with the fields that matter here. */
interface SaidCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** Statuses, as an evaluation makes them or as they are to be written. */
interface SaidStatuses {
  readonly gatewayClasses: ReadonlyMap<string, readonly SaidCondition[]>;
  readonly gateways: ReadonlyMap<
    string,
    {
      readonly conditions: readonly SaidCondition[];
      readonly listeners: readonly {
        readonly name: string;
        readonly conditions: readonly SaidCondition[];
      }[];
    }
  >;
  readonly routes: ReadonlyMap<
    string,
    readonly { readonly parentRef: ParentRef; readonly conditions: readonly SaidCondition[] }[]
  >;
}

/** Which object, and which part of it. */
interface Subject {
  /** "GRPCRoute prod/echo". */
  readonly object: string;
  /** "Gateway prod/edge" of a route. */
  readonly parent?: string;
  /** The name of a Gateway's listener. */
  readonly listener?: string;
}

/** Conditions that say "True" when something is wrong (Gateway API). */
const BAD_WHEN_TRUE: readonly string[] = ["Conflicted", "PartiallyInvalid"];

/** See the head of this file. */
export class StatusFaults {
  readonly #log: Logger;
  #told: ReadonlySet<string> = new Set();
  #last: SaidStatuses | null = null;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Tells what these say and the statuses before them did not. */
  tell(statuses: SaidStatuses): void {
    if (statuses === this.#last) return;
    this.#last = statuses;
    const now = new Set<string>();
    let toldCount = 0;
    for (const [subject, { type, reason, message }] of faultsOf(statuses)) {
      const fields = { ...subject, reason: `${type}: ${reason}: ${message}` };
      const key = JSON.stringify(fields);
      now.add(key);
      if (this.#told.has(key)) continue;
      toldCount += 1;
      if (toldCount <= STATUS_FAULT_LINES_MAX) this.#log.warn("not served as written", fields);
    }
    const count = toldCount - STATUS_FAULT_LINES_MAX;
    if (count > 0) this.#log.warn("more is not served as written", { count });
    this.#told = now;
  }
}

function* faultsOf({
  gatewayClasses,
  gateways,
  routes,
}: SaidStatuses): Generator<readonly [Subject, SaidCondition]> {
  for (const [name, conditions] of gatewayClasses) {
    yield* badOf({ object: `GatewayClass ${name}` }, conditions);
  }
  for (const [key, { conditions, listeners }] of gateways) {
    const object = `Gateway ${key}`;
    yield* badOf({ object }, conditions);
    for (const { name, conditions: own } of listeners)
      yield* badOf({ object, listener: name }, own);
  }
  for (const [key, parents] of routes) {
    const namespace = key.slice(0, key.indexOf("/"));
    for (const { parentRef, conditions } of parents) {
      const parent = `${parentRef.kind} ${parentRef.namespace ?? namespace}/${parentRef.name}`;
      yield* badOf({ object: `GRPCRoute ${key}`, parent }, conditions);
    }
  }
}

function* badOf(
  subject: Subject,
  conditions: readonly SaidCondition[],
): Generator<readonly [Subject, SaidCondition]> {
  for (const condition of conditions) {
    const bad = BAD_WHEN_TRUE.includes(condition.type) ? "True" : "False";
    if (condition.status === bad) yield [subject, condition];
  }
}
