/**
 * What can be done to a running lab, as text: the words of `--events`, of `POST /act`, of scenarios
 * and of the JSON's `events`. Pure.
 *
 *     slow[=POD] heal[=POD] not-serving[=POD] serving[=POD] sick[=POD] well[=POD]
 *     kill[=POD] drain[=POD] roll scale=N replica peers=on|off outliers=on|off
 *     load=N in-flight=N policy=NAME lane=NAME lane=-NAME reset
 */

/** Things done to one pod; without a name the lab chooses. */
const POD_WORDS = [
  "slow",
  "heal",
  "not-serving",
  "serving",
  "sick",
  "well",
  "kill",
  "drain",
] as const;
/** Those that are given a number. */
const COUNT_WORDS = ["scale", "load", "in-flight"] as const;
/** Those that are the word alone. */
const BARE_WORDS = ["roll", "replica", "reset"] as const;
const NAME_WORDS = ["policy", "lane", "peers", "outliers"] as const;
const WORDS = [...POD_WORDS, ...COUNT_WORDS, ...BARE_WORDS, ...NAME_WORDS] as const;
/** What is done. */
export type ActionWord = (typeof WORDS)[number];
type CountWord = (typeof COUNT_WORDS)[number];

/** Calls a second of each lane: what one process of grpc-js can make, and somewhat more. */
export const CALLS_PER_SECOND_MAX = 5000;
/** Open calls of a lane. */
export const IN_FLIGHT_LIMIT = 1000;

/** What actions may name. */
export interface ActionLimits {
  /** Bounds `scale`. */
  readonly podsMax: number;
  /** Words of all lanes. */
  readonly lanes: readonly string[];
  readonly policies: readonly string[];
}

/** One action. */
export interface Action {
  readonly word: ActionWord;
  /** The pod it is done to; null: the lab chooses, or it concerns no single pod. */
  readonly pod: string | null;
  /** How many, for `scale`, `load` and `in-flight`; else null. */
  readonly count: number | null;
  /** Of a policy or a lane; else null. */
  readonly name: string | null;
  /** For `lane`, `peers` and `outliers`: on or off; else null. */
  readonly isOn: boolean | null;
}

/** An action with its time. */
export interface TimedAction {
  /** Milliseconds of load before it. */
  readonly atMs: number;
  readonly action: Action;
}

/** An action that is none: one sentence without a full stop, that says what is allowed. */
export class ActionError extends Error {}

/** An action; what is not given is null. */
export function newAction(word: ActionWord, more: Partial<Omit<Action, "word">> = {}): Action {
  return { word, pod: null, count: null, name: null, isOn: null, ...more };
}

/** Reads one action. Throws `ActionError`. */
export function parseAction(text: string, limits: ActionLimits): Action {
  const [, word = "", value] = /^([a-z-]+)(?:=(.*))?$/.exec(text) ?? [];
  const known = WORDS.find((candidate) => candidate === word);
  if (!known) throw new ActionError(`"${text}": must be one of ${forms(limits)}`);
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

/** The action as it is written: "slow=echo-3". */
export function actionText({ word, pod, count, name, isOn }: Action): string {
  if (word === "lane") return `lane=${isOn ? "" : "-"}${name}`;
  if (word === "peers" || word === "outliers") return `${word}=${isOn ? "on" : "off"}`;
  const value = pod ?? count ?? name;
  return value === null ? word : `${word}=${value}`;
}

/** Of a key that changes the load. */
const LOAD_FACTOR = 2;

/** Calls per second after a key that doubles or halves them, within what there can be. */
export function loadAfter(callsPerSecond: number, change: 1 | -1): number {
  const next = change > 0 ? callsPerSecond * LOAD_FACTOR : callsPerSecond / LOAD_FACTOR;
  return Math.max(1, Math.min(CALLS_PER_SECOND_MAX, Math.round(next)));
}

/** How a lab stands, as far as keys that undo what they did go by it. */
export interface Done {
  /** How many pods are so. */
  readonly slow: number;
  readonly notServing: number;
  readonly sick?: number;
  /** Proxy replicas find each other. */
  readonly hasPeers?: boolean;
  /** Fairlead's lanes eject outliers. */
  readonly hasOutliers?: boolean;
}

/** What a key means that undoes on its second press what it did on the first. */
export function pressed(word: ActionWord, done: Done): Action {
  const { slow, notServing, sick = 0, hasPeers = false, hasOutliers = false } = done;
  if (word === "peers") return newAction(word, { isOn: !hasPeers });
  if (word === "outliers") return newAction(word, { isOn: !hasOutliers });
  if (word === "slow" && slow > 0) return newAction("heal");
  if (word === "not-serving" && notServing > 0) return newAction("serving");
  if (word === "sick" && sick > 0) return newAction("well");
  return newAction(word);
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
  throw new ActionError(`${refusal} one of ${known.join(", ")}`);
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
