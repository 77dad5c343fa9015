/**
 * The tables of captured listeners, each made ready by the first call that comes for it. Nothing is
 * kept of listeners that are gone: Services come and go for as long as a sidecar runs.
 */
import type { ListenerSpec } from "../../mesh/index.ts";
import { ReadyTable } from "../routing/routed-calls.ts";

/** See the head of this file. */
export class ReadyTables {
  #listeners: ReadonlyMap<string, ListenerSpec> = new Map();
  /** Of the listeners in force that were called, by name. */
  readonly #tables = new Map<string, { readonly spec: ListenerSpec; readonly table: ReadyTable }>();

  /** The listeners in force, by name. */
  get listeners(): ReadonlyMap<string, ListenerSpec> {
    return this.#listeners;
  }

  /** How many are kept ready. */
  get size(): number {
    return this.#tables.size;
  }

  /** These listeners are in force now, and no others. */
  configure(listeners: readonly ListenerSpec[]): void {
    this.#listeners = new Map(listeners.map((listener) => [listener.name, listener]));
    for (const name of [...this.#tables.keys()]) {
      if (!this.#listeners.has(name)) this.#tables.delete(name);
    }
  }

  /** The table in force; null: it has none for plaintext. Undefined: the listener is gone. */
  of(name: string): ReadyTable | null | undefined {
    const spec = this.#listeners.get(name);
    if (spec === undefined) return undefined;
    const known = this.#tables.get(name);
    if (known?.spec === spec) return known.table;
    const table = readyTableOf(spec);
    if (table !== null) this.#tables.set(name, { spec, table });
    return table;
  }
}

/** What is captured in plaintext goes by the chain that is for it; null: there is none. */
export function readyTableOf({ name, chains }: ListenerSpec): ReadyTable | null {
  const chain = chains.find(({ tls }) => tls === null);
  return chain === undefined ? null : new ReadyTable(name, chain.table);
}
