/**
 * Faults on command: what the API server does wrong at the moment, so that clients can show what
 * they make of it.
 *
 * A fault is a rule: its kind, which requests it meets, and how often. It lasts until it has met so
 * many requests, or until it is cleared. What a fault does is done where requests are served
 * (`server.ts`, `answer.ts`); here it is only said which one is due.
 */
import { inspect } from "node:util";
import { isJsonObject, type Json } from "../../base/index.ts";
import { RESOURCES } from "./resources.ts";
import { REVIEWS } from "./reviews.ts";

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

/** What a rule's verbs and resources may be: another one would meet nothing, and nobody knew. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  verbs: ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"],
  resources: [...RESOURCES.map(({ plural }) => plural), ...REVIEWS.map(({ plural }) => plural)],
};
/** Its whole numbers, with the least and the most. */
const NUMBERS: Readonly<Record<string, readonly [number, number]>> = {
  count: [1, 1_000_000],
  retryAfterSeconds: [0, 86_400],
  bytes: [1, 1_000_000],
  intervalMs: [0, 600_000],
};

/** A rule as the control endpoint gets it. Throws a `RangeError` with one sentence. */
export function parseFaultRule(value: unknown): FaultRule {
  if (!isJsonObject(value)) throw new RangeError("a fault: must be a JSON object with a kind");
  parseFaultKind(value.kind);
  for (const key of Object.keys(NAMES)) checkNames(key, value);
  for (const key of Object.keys(NUMBERS)) checkNumber(key, value);
  const { asEvent = false } = value;
  if (typeof asEvent !== "boolean") throw refused("asEvent", asEvent, "must be true or false");
  return { ...value } as unknown as FaultRule;
}

/** The kind of a fault. Throws a `RangeError` with one sentence. */
export function parseFaultKind(value: unknown): FaultKind {
  const kinds: readonly unknown[] = FAULT_KINDS;
  if (kinds.includes(value)) return value as FaultKind;
  throw new RangeError(`fault "${String(value)}": must be one of ${FAULT_KINDS.join(", ")}`);
}

function checkNames(key: string, { [key]: names }: Json): void {
  if (names === undefined) return;
  const allowed = NAMES[key]!;
  if (!Array.isArray(names)) throw refused(key, names, `must be a list, such as ["${allowed[0]}"]`);
  if (names.length === 0) throw new RangeError(`${key}: an empty list meets no request`);
  const other = names.findIndex((name) => !allowed.includes(name));
  if (other >= 0) throw refused(key, names[other], `must be of ${allowed.join(", ")}`);
}

function checkNumber(key: string, { [key]: value }: Json): void {
  const [min, max] = NUMBERS[key]!;
  if (value === undefined) return;
  if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return;
  throw refused(key, value, `must be a whole number from ${min} to ${max}`);
}

function refused(key: string, value: unknown, rule: string): RangeError {
  const style = { breakLength: Number.POSITIVE_INFINITY, depth: 0, maxArrayLength: 3 };
  const shown = typeof value === "string" ? `"${value}"` : inspect(value, style);
  return new RangeError(`${key}: ${shown}, ${rule}`);
}
