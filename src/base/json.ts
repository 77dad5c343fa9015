/**
 * JSON that may be anything: whether it is an object, and readers that never throw.
 *
 * Not for what a user wrote: that is refused with its path, by the checks of whoever reads it.
 */

/** A JSON object whose fields are not known yet. */
export type Json = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object: no list, not null. */
export function isJsonObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Whether lists and objects stand in each other deeper than that. What is deeper by thousands ends
 * whoever compares or writes it by recursion, as `JSON.stringify` and `isDeepStrictEqual` do.
 */
export function isDeeperThan(value: unknown, depthMax: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depthMax === 0) return true;
  const parts: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  return parts.some((part) => isDeeperThan(part, depthMax - 1));
}

/** The value as an object, or an empty one. */
export function asJson(value: unknown): Json {
  return isJsonObject(value) ? value : {};
}

/** The value as text, or "". */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
