/**
 * Reads what can be done to a lab, as `actions.ts` has it, and says what is wrong. Pure.
 */
import { didYouMean } from "../base/index.ts";
import {
  type Action,
  type ActionWord,
  BARE_WORDS,
  CALLS_PER_SECOND_MAX,
  COUNT_WORDS,
  IN_FLIGHT_LIMIT,
  newAction,
  POD_WORDS,
  type TimedAction,
  WORDS,
} from "./actions.ts";

type CountWord = (typeof COUNT_WORDS)[number];

/** What actions may name. */
export interface ActionLimits {
  /** Bounds `scale`. */
  readonly podsMax: number;
  /** Words of all lanes. */
  readonly lanes: readonly string[];
  readonly policies: readonly string[];
}

/** An action that is none: one sentence without a full stop, that says what is allowed. */
export class ActionError extends Error {}

/** Reads one action. Throws `ActionError`. */
export function parseAction(text: string, limits: ActionLimits): Action {
  const [, word = "", value] = /^([a-z-]+)(?:=(.*))?$/.exec(text) ?? [];
  const known = WORDS.find((candidate) => candidate === word);
  if (!known) {
    throw new ActionError(`"${text}": must be one of ${forms(limits)}${didYouMean(word, WORDS)}`);
  }
  const given = value ?? "";
  if (isCountWord(known)) return newAction(known, { count: countOf(known, given, text, limits) });
  if (known === "policy") {
    const name = oneOf(given, limits.policies, `"${text}": must be policy=NAME, NAME`);
    return newAction(known, { name });
  }
  if (known === "lane") {
    const [, minus, bare = ""] = /^(-?)(.*)$/s.exec(given)!;
    const form = "lane=NAME to add one or lane=-NAME to take it away, NAME";
    const name = oneOf(bare, limits.lanes, `"${text}": must be ${form}`);
    return newAction(known, { name, isOn: minus === "" });
  }
  if (known === "peers" || known === "outliers") {
    const isOn = oneOf(given, ["on", "off"], `"${text}": must be ${known}=X, X`) === "on";
    return newAction(known, { isOn });
  }
  if (value === undefined) return newAction(known);
  if (!isPodWord(known)) throw new ActionError(`"${text}": ${known} takes no value`);
  if (!/^echo-\d{1,6}$/.test(value)) {
    throw new ActionError(`"${text}": must be ${known}, or ${known}=POD with a pod such as echo-1`);
  }
  return newAction(known, { pod: value });
}

/** Reads "3s:slow,6s:heal": actions by their time. Throws `ActionError`. */
export function parseTimedActions(text: string, limits: ActionLimits): readonly TimedAction[] {
  return text
    .split(",")
    .map((part) => parseTimed(part.trim(), limits))
    .toSorted((a, b) => a.atMs - b.atMs);
}

/** The most that a word takes, 1 being the least. */
function countMaxOf(word: CountWord, { podsMax }: ActionLimits): number {
  return { scale: podsMax, load: CALLS_PER_SECOND_MAX, "in-flight": IN_FLIGHT_LIMIT }[word];
}

function countOf(word: CountWord, value: string, text: string, limits: ActionLimits): number {
  const max = countMaxOf(word, limits);
  const count = /^\d{1,6}$/.test(value) ? Number(value) : 0;
  if (count >= 1 && count <= max) return count;
  throw new ActionError(`"${text}": must be ${word}=N, N a whole number from 1 to ${max}`);
}

function oneOf(value: string, known: readonly string[], refusal: string): string {
  if (known.includes(value)) return value;
  throw new ActionError(`${refusal} one of ${known.join(", ")}${didYouMean(value, known)}`);
}

function parseTimed(text: string, limits: ActionLimits): TimedAction {
  const [, number, unit, action] = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s):(.+)$/.exec(text) ?? [];
  if (action === undefined) {
    throw new ActionError(`"${text}": must be TIME:ACTION, such as 3s:slow or 500ms:kill=echo-2`);
  }
  const atMs = Number(number) * (unit === "s" ? 1000 : 1);
  return { atMs, action: parseAction(action, limits) };
}

function isPodWord(word: ActionWord): boolean {
  return (POD_WORDS as readonly string[]).includes(word);
}

function isCountWord(word: ActionWord): word is CountWord {
  return (COUNT_WORDS as readonly string[]).includes(word);
}

function forms(limits: ActionLimits): string {
  const pods = POD_WORDS.map((word) => `${word}[=POD]`);
  const counts = COUNT_WORDS.map((word) => `${word}=N (1 to ${countMaxOf(word, limits)})`);
  const named = ["policy=NAME", "lane=NAME", "lane=-NAME", "peers=on", "peers=off"];
  named.push("outliers=on", "outliers=off");
  return [...pods, ...BARE_WORDS, ...counts, ...named].join(", ");
}
