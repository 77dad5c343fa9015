/**
 * Reading JSON that another program wrote: whatever is not as expected reads as absent.
 *
 * For tables that show what is there; what must be right is checked where it is used.
 */

/** What stands at a path of keys; undefined when any of it is not there. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string, unknown>)[key];
  }
  return here;
}

/** The list at a path; empty when there is none. */
export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The text at a path; null when there is none, or an empty one, which protobuf's JSON omits. */
export function textAt(value: unknown, ...path: readonly string[]): string | null {
  const found = at(value, ...path);
  return typeof found === "string" && found !== "" ? found : null;
}

/** The number at a path, also as protobuf's JSON writes 64 bits ("12"); null when there is none. */
export function numberAt(value: unknown, ...path: readonly string[]): number | null {
  const found = at(value, ...path);
  if (typeof found === "number") return found;
  return typeof found === "string" && /^-?\d{1,19}$/.test(found) ? Number(found) : null;
}

/** All texts of a list at a path. */
export function textsAt(value: unknown, ...path: readonly string[]): readonly string[] {
  return listAt(value, ...path).filter((one) => typeof one === "string");
}
