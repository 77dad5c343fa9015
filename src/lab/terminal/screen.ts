/**
 * A block of lines redrawn in place on a terminal.
 *
 * It stays on the normal screen, below what was there, so that the last picture remains when the
 * lab ends. While it lives the cursor is hidden and long lines are cut by the terminal; `close`
 * restores both.
 */

/** The parts of a `tty.WriteStream` that are used. */
export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on(event: "resize", listener: () => void): unknown;
  off(event: "resize", listener: () => void): unknown;
}

const ESC = "\x1b[";
const HIDE_CURSOR = `${ESC}?25l${ESC}?7l`;
const SHOW_CURSOR = `${ESC}?7h${ESC}?25h`;
/** Terminals that know it show the block only when it is whole; others ignore it. */
const BEGIN_SYNC = `${ESC}?2026h`;
const END_SYNC = `${ESC}?2026l`;

/** Draws a block of lines over its predecessor. */
export class Screen {
  readonly #terminal: Terminal;
  readonly #onResize: () => void;
  #linesDrawn = 0;
  #isOpen = true;

  /** @param redraw Called after the terminal changed its size, to draw at once. */
  constructor(terminal: Terminal, redraw: () => void) {
    this.#terminal = terminal;
    this.#onResize = () => {
      // Lines may be wrapped anew: where the block began is unknown, so begin on a clean screen.
      terminal.write(`${ESC}H${ESC}2J`);
      this.#linesDrawn = 0;
      redraw();
    };
    terminal.on("resize", this.#onResize);
    terminal.write(HIDE_CURSOR);
  }

  /** Replaces the block. It must have fewer lines than the terminal has rows. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    const up = this.#linesDrawn > 0 ? `${ESC}${this.#linesDrawn}A` : "";
    // Erased before it is written: after a line of full width the cursor still stands on its end.
    const body = lines.map((line) => `${ESC}2K${line}\r\n`).join("");
    this.#terminal.write(`${BEGIN_SYNC}\r${up}${body}${ESC}J${END_SYNC}`);
    this.#linesDrawn = lines.length;
  }

  /** Shows the cursor again, below the block. No-op after the first time. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#terminal.off("resize", this.#onResize);
    this.#terminal.write(SHOW_CURSOR);
  }
}
