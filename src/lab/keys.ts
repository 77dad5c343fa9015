/**
 * Keys pressed in the terminal of a running lab: `+` and `-`, and those that a terminal in raw mode
 * no longer turns into signals by itself.
 *
 * Not a line editor. The terminal is put back as it was by `close`, and at the exit of the process.
 */

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
  /** Ctrl-C, Ctrl-\: the signal that the terminal would have sent. */
  signal(name: "SIGINT" | "SIGQUIT"): void;
}

const ACTIONS: Readonly<Record<string, (actions: KeyActions) => void>> = {
  "+": (actions) => actions.scaleBy(1),
  "=": (actions) => actions.scaleBy(1),
  "-": (actions) => actions.scaleBy(-1),
  "\x03": (actions) => actions.signal("SIGINT"),
  "\x1c": (actions) => actions.signal("SIGQUIT"),
};

/** Listens for keys. Answers how to stop that and put the terminal back. */
export function readKeys(input: KeyInput, actions: KeyActions): () => void {
  const onData = (bytes: Buffer): void => {
    for (const key of bytes.toString("latin1")) ACTIONS[key]?.(actions);
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
