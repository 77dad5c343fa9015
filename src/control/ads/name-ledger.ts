/**
 * What the names cost that nodes ask for: sets of names that count their bytes, for the stream, its
 * connection and the process. Limits of number and length alone would let one connection ask for
 * gigabytes.
 *
 * A name that exists shares its text with the resource; it is counted all the same, because it may
 * cease to exist.
 */

/** What a name costs beside its characters: its place in a set, and what every text has. */
const NAME_PLACE_BYTES = 64;

/** A sum of bytes, which is a part of the sum above it. */
export class NameLedger {
  #bytes = 0;
  #isClosed = false;
  readonly #above: NameLedger | null;
  readonly #bytesMax: number;
  readonly #of: string;

  /** @param of what the limit is one of, for its sentence. */
  constructor(above: NameLedger | null, bytesMax = Number.POSITIVE_INFINITY, of = "") {
    this.#above = above;
    this.#bytesMax = bytesMax;
    this.#of = of;
  }

  /** What is counted now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Which limit is passed, of this sum or one above; "" when none is. */
  get problem(): string {
    if (this.#bytes <= this.#bytesMax) return this.#above?.problem ?? "";
    return `resource names of more than ${this.#bytesMax} bytes ${this.#of}`;
  }

  /** Counts more, or fewer. */
  note(bytes: number): void {
    if (this.#isClosed) return;
    this.#bytes += bytes;
    this.#above?.note(bytes);
  }

  /** All of it is given back; nothing is counted any more. */
  close(): void {
    this.note(-this.#bytes);
    this.#isClosed = true;
  }
}

/** A set of names that is counted. */
export class NameSet extends Set<string> {
  readonly #ledger: NameLedger;
  readonly #hasTexts: boolean;

  /** @param hasTexts whether the characters count too: another set may have the same texts. */
  constructor(ledger: NameLedger, hasTexts: boolean) {
    super();
    this.#ledger = ledger;
    this.#hasTexts = hasTexts;
  }

  override add(name: string): this {
    if (!this.has(name)) this.#ledger.note(this.#costOf(name));
    return super.add(name);
  }

  override delete(name: string): boolean {
    const had = super.delete(name);
    if (had) this.#ledger.note(-this.#costOf(name));
    return had;
  }

  override clear(): void {
    for (const name of this) this.#ledger.note(-this.#costOf(name));
    super.clear();
  }

  #costOf(name: string): number {
    return NAME_PLACE_BYTES + (this.#hasTexts ? name.length : 0);
  }
}

/** Names with a text each, such as the versions that a node has. */
export class NameMap extends Map<string, string> {
  readonly #ledger: NameLedger;

  constructor(ledger: NameLedger) {
    super();
    this.#ledger = ledger;
  }

  override set(name: string, text: string): this {
    this.delete(name);
    this.#ledger.note(name.length + text.length + NAME_PLACE_BYTES);
    return super.set(name, text);
  }

  override delete(name: string): boolean {
    const text = this.get(name);
    if (text === undefined) return false;
    this.#ledger.note(-(name.length + text.length + NAME_PLACE_BYTES));
    return super.delete(name);
  }
}
