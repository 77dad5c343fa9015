/**
 * What can be done to a running lab, as text: the words of `--events`, of `POST /act`, of scenarios
 * and of the JSON's `events`. Pure, and without anything of Node's: the page has it, too. How they
 * are read: `read-action.ts`.
 *
 *     slow[=POD] heal[=POD] not-serving[=POD] serving[=POD] sick[=POD] well[=POD]
 *     kill[=POD] drain[=POD] roll scale=N replica peers=on|off outliers=on|off
 *     load=N in-flight=N policy=NAME lane=NAME lane=-NAME reset
 */

/** Things done to one pod; without a name the lab chooses. */
export const POD_WORDS = [
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
export const COUNT_WORDS = ["scale", "load", "in-flight"] as const;
/** Those that are the word alone. */
export const BARE_WORDS = ["roll", "replica", "reset"] as const;
/** Those that are given a name, or on and off. */
const NAME_WORDS = ["policy", "lane", "peers", "outliers"] as const;
/** All of them. */
export const WORDS = [...POD_WORDS, ...COUNT_WORDS, ...BARE_WORDS, ...NAME_WORDS] as const;
/** What is done. */
export type ActionWord = (typeof WORDS)[number];

/** Calls a second of each lane: what one process of grpc-js can make, and somewhat more. */
export const CALLS_PER_SECOND_MAX = 5000;
/** Open calls of a lane. */
export const IN_FLIGHT_LIMIT = 1000;

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

/** An action; what is not given is null. */
export function newAction(word: ActionWord, more: Partial<Omit<Action, "word">> = {}): Action {
  return { word, pod: null, count: null, name: null, isOn: null, ...more };
}

/** The action as it is written: "slow=echo-3". */
export function actionText({ word, pod, count, name, isOn }: Action): string {
  if (word === "lane") return `lane=${isOn ? "" : "-"}${name}`;
  if (word === "peers" || word === "outliers") return `${word}=${isOn ? "on" : "off"}`;
  const value = pod ?? count ?? name;
  return value === null ? word : `${word}=${value}`;
}

/** Whether an event of a lab is an action that can be done again: "died=echo-3" is none. */
export function isActionText(event: string): boolean {
  return (WORDS as readonly string[]).includes(event.split("=", 1)[0]!);
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
