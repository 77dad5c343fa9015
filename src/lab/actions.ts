/**
 * What can be done to a running lab, as text: the words of `--events`, of `POST /act`, and of the
 * JSON's `events`. Pure.
 *
 *     slow[=POD] heal[=POD] not-serving[=POD] serving[=POD] kill[=POD] roll scale=N replica
 */

/** Things done to one pod; without a name the lab chooses. */
const POD_WORDS = ["slow", "heal", "not-serving", "serving", "kill"] as const;
const WORDS = [...POD_WORDS, "roll", "scale", "replica"] as const;
/** What is done. */
export type ActionWord = (typeof WORDS)[number];

/** One action. */
export interface Action {
  readonly word: ActionWord;
  /** The pod it is done to; null: the lab chooses, or it concerns no single pod. */
  readonly pod: string | null;
  /** How many there should be, for `scale`; else null. */
  readonly pods: number | null;
}

/** An action with its time. */
export interface TimedAction {
  /** Milliseconds of load before it. */
  readonly atMs: number;
  readonly action: Action;
}

/** An action that is none: one sentence without a full stop, that says what is allowed. */
export class ActionError extends Error {}

/** Reads one action. `podsMax` bounds `scale`. Throws `ActionError`. */
export function parseAction(text: string, podsMax: number): Action {
  const [, word = "", value] = /^([a-z-]+)(?:=(.*))?$/.exec(text) ?? [];
  const known = WORDS.find((candidate) => candidate === word);
  if (!known) throw new ActionError(`"${text}": must be one of ${forms(podsMax)}`);
  if (known === "scale") {
    const pods = /^\d{1,6}$/.test(value ?? "") ? Number(value) : 0;
    if (pods < 1 || pods > podsMax) {
      throw new ActionError(`"${text}": must be scale=N, N a whole number from 1 to ${podsMax}`);
    }
    return { word: known, pod: null, pods };
  }
  if (value === undefined) return { word: known, pod: null, pods: null };
  if (!isPodWord(known)) throw new ActionError(`"${text}": ${known} takes no value`);
  if (!/^echo-\d{1,6}$/.test(value)) {
    throw new ActionError(`"${text}": must be ${known}, or ${known}=POD with a pod such as echo-1`);
  }
  return { word: known, pod: value, pods: null };
}

/** Reads "3s:slow,6s:heal": actions by their time. Throws `ActionError`. */
export function parseTimedActions(text: string, podsMax: number): readonly TimedAction[] {
  return text
    .split(",")
    .map((part) => parseTimed(part.trim(), podsMax))
    .toSorted((a, b) => a.atMs - b.atMs);
}

/** The action as it is written: "slow=echo-3". */
export function actionText({ word, pod, pods }: Action): string {
  const value = pod ?? pods;
  return value === null ? word : `${word}=${value}`;
}

/** What a key means that undoes on its second press what it did on the first. */
export function pressed(
  word: ActionWord,
  { slow, notServing }: { readonly slow: number; readonly notServing: number },
): Action {
  const action = { word, pod: null, pods: null };
  if (word === "slow" && slow > 0) return { ...action, word: "heal" };
  if (word === "not-serving" && notServing > 0) return { ...action, word: "serving" };
  return action;
}

function parseTimed(text: string, podsMax: number): TimedAction {
  const [, number, unit, action] = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s):(.+)$/.exec(text) ?? [];
  if (action === undefined) {
    throw new ActionError(`"${text}": must be TIME:ACTION, such as 3s:slow or 500ms:kill=echo-2`);
  }
  const atMs = Number(number) * (unit === "s" ? 1000 : 1);
  return { atMs, action: parseAction(action, podsMax) };
}

function isPodWord(word: ActionWord): boolean {
  return (POD_WORDS as readonly string[]).includes(word);
}

function forms(podsMax: number): string {
  const pods = POD_WORDS.map((word) => `${word}[=POD]`);
  return [...pods, "roll", `scale=N (1 to ${podsMax})`, "replica"].join(", ");
}
