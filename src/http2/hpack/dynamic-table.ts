/**
 * The dynamic table of one direction: a ring of fields, newest first by index. RFC 7541 §2.3.2, §4.
 *
 * Entries have absolute numbers that never change, so an encoder can remember where a field stands.
 * Every change moves `version`: what was cached under an older version is void.
 */

import type { Field } from "./field.ts";

const SLOTS_FIRST = 16;

/** A first-in-first-out table bounded by the sum of its fields' sizes. */
export class DynamicTable {
  #slots: (Field | null)[] = [];
  /** Number of the next field to come; the newest is #next - 1. */
  #next = 0;
  #count = 0;
  #sizeBytes = 0;
  #maxBytes: number;
  /** Moves with every insertion, eviction and replacement. */
  version = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** Number that the next inserted field will have. */
  get next(): number {
    return this.#next;
  }

  /** Whether the field with absolute number `at` is still there. */
  has(at: number): boolean {
    return at >= this.#next - this.#count;
  }

  /** The field at `index`, 0 being the newest, or null beyond the table. */
  get(index: number): Field | null {
    if (index >= this.#count) return null;
    return this.#slots[(this.#next - 1 - index) & (this.#slots.length - 1)]!;
  }

  /** Puts an equal field in the place of the one at `index`; sizes and numbers stay. */
  replace(index: number, field: Field): void {
    this.#slots[(this.#next - 1 - index) & (this.#slots.length - 1)] = field;
  }

  /** Adds a field, evicting the oldest; one larger than the table empties it. RFC 7541 §4.4. */
  insert(field: Field): void {
    this.version += 1;
    const size = field.sizeBytes;
    this.#evictTo(this.#maxBytes - size);
    if (size > this.#maxBytes) return;
    if (this.#count === this.#slots.length) this.#grow();
    this.#slots[this.#next & (this.#slots.length - 1)] = field;
    this.#next += 1;
    this.#count += 1;
    this.#sizeBytes += size;
  }

  /** Changes the size limit, evicting what no longer fits. RFC 7541 §4.3. */
  resize(maxBytes: number): void {
    this.version += 1;
    this.#maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  #evictTo(bytes: number): void {
    const mask = this.#slots.length - 1;
    while (this.#sizeBytes > bytes && this.#count > 0) {
      const slot = (this.#next - this.#count) & mask;
      this.#sizeBytes -= this.#slots[slot]!.sizeBytes;
      this.#slots[slot] = null;
      this.#count -= 1;
    }
  }

  #grow(): void {
    const old = this.#slots;
    const length = old.length === 0 ? SLOTS_FIRST : old.length * 2;
    const slots = new Array<Field | null>(length).fill(null);
    for (let at = this.#next - this.#count; at < this.#next; at++) {
      slots[at & (length - 1)] = old[at & (old.length - 1)]!;
    }
    this.#slots = slots;
  }
}
