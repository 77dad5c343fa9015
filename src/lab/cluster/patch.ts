/**
 * Patches: JSON merge patch (RFC 7396), and strategic merge patch, which for the lists of our kinds
 * merges by key (conditions by type, addresses by ip) as the API reference's patchMergeKey says.
 */
import { asText, isJsonObject, type Json } from "../../base/index.ts";

/** The content types that PATCH takes. */
export const PATCH_TYPES = [
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
] as const;

/** The lists that a strategic patch merges, by name, and the field that tells their items apart. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  conditions: "type",
  podIPs: "ip",
  containers: "name",
  ownerReferences: "uid",
};

/** The value with a patch applied; neither is changed. */
export function applyPatch(value: unknown, patch: Json, isStrategic: boolean): Json {
  const result: Record<string, unknown> = { ...(isJsonObject(value) ? value : {}) };
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) delete result[key];
    else if (isJsonObject(change)) result[key] = applyPatch(result[key], change, isStrategic);
    else if (isStrategic && Array.isArray(change) && Object.hasOwn(MERGE_KEYS, key)) {
      result[key] = mergeList(result[key], change, MERGE_KEYS[key]!);
    } else result[key] = change;
  }
  return result;
}

function mergeList(value: unknown, changes: readonly unknown[], mergeKey: string): unknown[] {
  const list = Array.isArray(value) ? [...value] : [];
  for (const change of changes) {
    if (!isJsonObject(change)) continue;
    const id = asText(change[mergeKey]);
    const index = list.findIndex((item) => isJsonObject(item) && item[mergeKey] === id);
    const isDeleted = change.$patch === "delete";
    if (index < 0 && !isDeleted) list.push(change);
    else if (index >= 0 && isDeleted) list.splice(index, 1);
    else if (index >= 0) list[index] = applyPatch(list[index], change, true);
  }
  return list;
}
