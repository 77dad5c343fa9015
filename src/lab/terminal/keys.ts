/**
 * Keys pressed in the terminal of a running lab: what each does, and those that a terminal in raw
 * mode no longer turns into signals by itself.
 *
 * Not a line editor. The terminal is put back as it was by `close`, and at the exit of the process.
 */
import type { ActionWord } from "../actions.ts";

/** The parts of a terminal's `process.stdin` that are used. */
export interface KeyInput {
  readonly isTTY?: boolean;
  setRawMode(isRaw: boolean): unknown;
  on(event: "data", listener: (bytes: Buffer) => void): unknown;
  off(event: "data", listener: (bytes: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** What the keys do. */
export interface KeyActions {
  /** `+`: one pod more; `-`: one less. */
  scaleBy(change: 1 | -1): void;
  /** `]`: more load; `[`: less. */
  loadBy(change: 1 | -1): void;
  /** The letters and `0`. Some undo what they did when they are pressed again. */
  press(word: ActionWord): void;
  /** `?`: all keys are told, or the hint again. */
  toggleHelp(): void;
  /** Ctrl-C, Ctrl-\: the signal that the terminal would have sent. */
  signal(name: "SIGINT" | "SIGQUIT"): void;
}

/** The most used keys in one line of 80 columns. */
export const KEYS_HINT =
  "+ - pods, s slow, x sick, k kill, d drain, r roll, [ ] load, 0 reset, ? keys";

/** All keys, in lines of 80 columns. */
export const KEYS_HELP = [
  "+ - a pod more, a pod less    s a pod is slow x10    x a pod is sick: calls fail",
  "k kill a pod    d drain a pod    n NOT_SERVING    r roll: replace all pods",
  "[ ] half, double the load    p second proxy replica    e peers' cure on, off",
  "o eject pods that fail calls, or not    0 reset    ? less of this",
  "s, x, n, e and o undo it when they are pressed again; Ctrl-C ends the lab",
].join("\n");

const ACTIONS: Readonly<Record<string, (actions: KeyActions) => void>> = {
  "+": (actions) => actions.scaleBy(1),
  "=": (actions) => actions.scaleBy(1),
  "-": (actions) => actions.scaleBy(-1),
  "]": (actions) => actions.loadBy(1),
  "[": (actions) => actions.loadBy(-1),
  s: (actions) => actions.press("slow"),
  x: (actions) => actions.press("sick"),
  n: (actions) => actions.press("not-serving"),
  k: (actions) => actions.press("kill"),
  d: (actions) => actions.press("drain"),
  r: (actions) => actions.press("roll"),
  p: (actions) => actions.press("replica"),
  o: (actions) => actions.press("outliers"),
  e: (actions) => actions.press("peers"),
  "0": (actions) => actions.press("reset"),
  "?": (actions) => actions.toggleHelp(),
  "\x03": (actions) => actions.signal("SIGINT"),
  "\x1c": (actions) => actions.signal("SIGQUIT"),
};

/** Listens for keys. Answers how to stop that and put the terminal back. */
export function readKeys(input: KeyInput, actions: KeyActions): () => void {
  const onData = (bytes: Buffer): void => {
    // What arrow keys and their like send begins with ESC, and has letters in it that are no keys.
    const text = bytes.toString("latin1").replace(ESCAPE_SEQUENCES, "");
    for (const key of text) ACTIONS[key]?.(actions);
  };
  const close = (): void => {
    process.off("exit", close);
    input.off("data", onData);
    input.setRawMode(false);
    input.pause();
  };
  input.setRawMode(true);
  input.on("data", onData);
  input.resume();
  // A second Ctrl-C ends the process at once; the terminal is put back all the same.
  process.once("exit", close);
  return close;
}

/** ECMA-48 control sequences (ESC [ ... final), and SS3 (ESC O letter). */
const ESCAPE_SEQUENCES = new RegExp(`${"\x1b"}(?:\\[[0-?]*[ -/]*[@-~]|O[@-~])`, "g");
