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
  /** `s`, `n`, `k`, `r`, `p`. The first two undo what they did when they are pressed again. */
  press(word: ActionWord): void;
  /** Ctrl-C, Ctrl-\: the signal that the terminal would have sent. */
  signal(name: "SIGINT" | "SIGQUIT"): void;
}

/** The keys in a few words. */
export const KEYS_HINT =
  "keys: + - pods, s slow one x10, n NOT_SERVING, k kill one, r roll all, p second proxy replica";

const ACTIONS: Readonly<Record<string, (actions: KeyActions) => void>> = {
  "+": (actions) => actions.scaleBy(1),
  "=": (actions) => actions.scaleBy(1),
  "-": (actions) => actions.scaleBy(-1),
  s: (actions) => actions.press("slow"),
  n: (actions) => actions.press("not-serving"),
  k: (actions) => actions.press("kill"),
  r: (actions) => actions.press("roll"),
  p: (actions) => actions.press("replica"),
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
