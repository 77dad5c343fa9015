/**
 * All loads of the relay benchmark, in the order in which they run.
 */
import { h2load } from "./h2load.ts";
import type { Load } from "./load.ts";

export type { Behind, CpuLoad, Load, MemoryLoad, Target } from "./load.ts";

/** Every load. */
export const LOADS: readonly Load[] = [
  h2load({ connections: 1, streams: 1 }),
  h2load({ connections: 10, streams: 10 }),
  h2load({ connections: 100, streams: 100 }),
];

/**
 * The loads of these names; a trailing `*` matches the rest of a name.
 *
 * @throws RangeError for a name that fits none.
 */
export function selectLoads(names: readonly string[] | null): readonly Load[] {
  if (names === null) return LOADS;
  const chosen = new Set<Load>();
  for (const name of names) {
    const fits = (load: Load) =>
      name.endsWith("*") ? load.name.startsWith(name.slice(0, -1)) : load.name === name;
    const matches = LOADS.filter(fits);
    if (matches.length === 0) {
      throw new RangeError(`no load ${name}; known: ${LOADS.map((load) => load.name).join(", ")}`);
    }
    for (const load of matches) chosen.add(load);
  }
  return LOADS.filter((load) => chosen.has(load));
}
