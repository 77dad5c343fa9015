/**
 * Bytes in, whole lines out: the framing of watch streams.
 *
 * A line that came in many reads is joined once, when it is whole, so that a large event costs no
 * more copies than a small one. Not a text decoder: characters may be split between reads, lines
 * are decoded whole.
 */

const NEWLINE = 0x0a;

/** Splits one stream. */
export class LineSplitter {
  readonly #bytesMax: number;
  readonly #onLine: (line: string) => void;
  #parts: Buffer[] = [];
  #heldBytes = 0;

  /** @param bytesMax of one line. */
  constructor(bytesMax: number, onLine: (line: string) => void) {
    this.#bytesMax = bytesMax;
    this.#onLine = onLine;
  }

  /** Takes one read; empty lines are passed over. False when a line is too long: the end. */
  push(chunk: Buffer): boolean {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      const lineBytes = this.#heldBytes + (end < 0 ? chunk.length : end) - start;
      if (lineBytes > this.#bytesMax) return false;
      if (end < 0) break;
      const line = this.#take(chunk, start, end);
      if (line !== "") this.#onLine(line);
      start = end + 1;
    }
    if (start < chunk.length) {
      this.#parts.push(start === 0 ? chunk : chunk.subarray(start));
      this.#heldBytes += chunk.length - start;
    }
    return true;
  }

  #take(chunk: Buffer, start: number, end: number): string {
    if (this.#heldBytes === 0) return chunk.toString("utf8", start, end);
    const parts = [...this.#parts, chunk.subarray(start, end)];
    this.#parts = [];
    this.#heldBytes = 0;
    return Buffer.concat(parts).toString("utf8");
  }
}
