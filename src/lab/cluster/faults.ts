/**
 * Faults on command: what the API server does wrong at the moment, so that clients can show what
 * they make of it.
 *
 * A fault is a rule: its kind, which requests it meets, and how often. It lasts until it has met so
 * many requests, or until it is cleared. What a fault does is done where requests are served
 * (`server.ts`, `answer.ts`); here it is only said which one is due.
 */
import { isJsonObject } from "../../base/index.ts";

/** What can be wrong. */
const FAULT_KINDS = [
  /** Accepts and answers nothing; open watches fall silent. Goes on where it was when cleared. */
  "hang",
  /** Resets the connection (RST) of a request. */
  "reset",
  /** Lists and watches answer 410; with `asEvent` a watch gets it as ERROR event. */
  "gone",
  /** 429 with Retry-After. */
  "throttle",
  /** 500. */
  "error",
  /** Answers dribble: `bytes` every `intervalMs`. */
  "slow",
  /** Watch events of different objects come in the wrong order. */
  "reorder",
  /** No bookmarks. */
  "no-bookmarks",
  /** Streaming lists are refused, as by a server without the feature. */
  "no-streaming-list",
] as const;

/** One of `FAULT_KINDS`. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** A fault to be set. */
export interface FaultRule {
  readonly kind: FaultKind;
  /** Only requests with one of these verbs (list, watch, get, ...). All when absent. */
  readonly verbs?: readonly string[];
  /** Only requests for these plurals. All when absent. */
  readonly resources?: readonly string[];
  /** How many requests reset, gone, throttle or error meet; until cleared when absent. */
  readonly count?: number;
  /** For `throttle`. */
  readonly retryAfterSeconds?: number;
  /** For `gone`. */
  readonly asEvent?: boolean;
  /** For `slow`. */
  readonly bytes?: number;
  readonly intervalMs?: number;
}

/** What is asked of a fault: verb and plural of a request ("" for other paths). */
export interface Subject {
  readonly verb: string;
  readonly plural: string;
}

/** The faults that are set. */
export class Faults {
  #rules: { readonly rule: FaultRule; left: number }[] = [];
  readonly #listeners = new Set<() => void>();

  /** Sets one more fault. */
  set(rule: FaultRule): void {
    this.#rules.push({ rule, left: rule.count ?? Number.POSITIVE_INFINITY });
    this.#tell();
  }

  /** Clears the faults of a kind, or all. */
  clear(kind?: FaultKind): void {
    this.#rules = kind === undefined ? [] : this.#rules.filter(({ rule }) => rule.kind !== kind);
    this.#tell();
  }

  /** The rule of a kind that meets a request, or null. Does not use it up. */
  find(kind: FaultKind, subject: Subject): FaultRule | null {
    return this.#rules.find(({ rule }) => rule.kind === kind && meets(rule, subject))?.rule ?? null;
  }

  /** The same, counted: a rule that has met its number of requests is gone. */
  take(kind: FaultKind, subject: Subject): FaultRule | null {
    const found = this.#rules.find(({ rule }) => rule.kind === kind && meets(rule, subject));
    if (!found) return null;
    found.left -= 1;
    if (found.left <= 0) this.#rules = this.#rules.filter((one) => one !== found);
    return found.rule;
  }

  /** All rules that are set, for people. */
  list(): readonly FaultRule[] {
    return this.#rules.map(({ rule }) => rule);
  }

  /** Calls `listener` after every change. Answers how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function meets({ verbs, resources }: FaultRule, { verb, plural }: Subject): boolean {
  return (verbs?.includes(verb) ?? true) && (resources?.includes(plural) ?? true);
}

/** A rule as the control endpoint gets it. Throws a `RangeError` with one sentence. */
export function parseFaultRule(value: unknown): FaultRule {
  if (!isJsonObject(value)) throw new RangeError("a fault: must be a JSON object with a kind");
  const kinds: readonly unknown[] = FAULT_KINDS;
  if (!kinds.includes(value.kind)) {
    const allowed = FAULT_KINDS.join(", ");
    throw new RangeError(`fault "${String(value.kind)}": must be one of ${allowed}`);
  }
  return value as unknown as FaultRule;
}
