/**
 * Changes of header lists, as filters ask for them. Lists are never changed: what differs is a new
 * one, and the one that was made of a list that repeats is remembered, so that the next call costs
 * a look-up and the encoder keeps its wire form.
 */
import { type Field, HeaderList, newField } from "../http2/index.ts";
import type { HeaderChange } from "./table.ts";

/** One change, made ready: `apply` is called once a call. */
export class HeaderChanger {
  readonly #set: readonly Field[];
  readonly #add: readonly Field[];
  /** Names that go: those that `remove` and those that `set` name. */
  readonly #gone: ReadonlySet<string>;
  /** By source, for lists that repeat; goes when the source goes. */
  readonly #made = new WeakMap<HeaderList, HeaderList>();

  constructor({ set, add, remove }: HeaderChange) {
    this.#set = set.map(([name, value]) => newField(name, value));
    this.#add = add.map(([name, value]) => newField(name, value));
    this.#gone = new Set([...remove, ...set.map(([name]) => name)]);
  }

  /**
   * The list with this change: what is removed goes, what is set replaces all values of its name,
   * what is added comes last, also when it was there.
   */
  apply(list: HeaderList): HeaderList {
    if (!list.isRepeated) return this.#changed(list);
    let made = this.#made.get(list);
    if (made === undefined) {
      made = this.#changed(list);
      made.isRepeated = true;
      this.#made.set(list, made);
    }
    return made;
  }

  #changed(list: HeaderList): HeaderList {
    const changed = new HeaderList();
    for (const field of list.fields) if (!this.#gone.has(field.name.text)) changed.add(field);
    for (const field of this.#set) changed.add(field);
    for (const field of this.#add) changed.add(field);
    return changed;
  }
}

/** The first change, then the second (of a route and of the cluster chosen); null: none. */
export function joinChanges(
  first: HeaderChange | null,
  second: HeaderChange | null,
): HeaderChange | null {
  if (first === null || second === null) return first ?? second;
  const gone = new Set([...second.remove, ...second.set.map(([name]) => name)]);
  const stays = ([name]: readonly [string, string]): boolean => !gone.has(name);
  return {
    set: [...first.set.filter(stays), ...second.set],
    add: [...first.add.filter(stays), ...second.add],
    remove: [...first.remove, ...second.remove],
  };
}
