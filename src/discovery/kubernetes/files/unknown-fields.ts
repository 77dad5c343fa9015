/**
 * Fields of an object that its kind does not have, as a mistake in writing leaves them: `matchs`,
 * `hostname` of a route. An API server refuses them or warns (field validation); of a file nobody
 * else would, and an object without the field that was meant often serves more than was meant.
 *
 * Pure. Whether the object is good is for its check; it is used all the same.
 */
import { didYouMean, isJsonObject, nearestWord } from "../../../base/index.ts";
import { shown } from "../fields.ts";
import { KINDS, type KindName } from "../objects.ts";
import { type FieldNames, fieldNamesOf } from "./field-names.ts";

/** Of one object so many are named. */
export const UNKNOWN_FIELDS_MAX = 8;

/** A field that its kind does not have. */
export interface UnknownField {
  /** "spec.rules[0].matchs". */
  readonly path: string;
  /** To be read after the object's name: "spec.rules[0].matchs is ..." */
  readonly reason: string;
}

/** Shorter kinds are too much like each other. */
const LIKENED_KIND_CHARS_MIN = 6;

/** All of an object, in its order, up to UNKNOWN_FIELDS_MAX. */
export function unknownFieldsOf(kind: KindName, value: unknown): readonly UnknownField[] {
  const found: UnknownField[] = [];
  look(value, fieldNamesOf(kind), "", found);
  return found;
}

/** The kind that was meant by one that nobody reads; null: it is another one. */
export function likelyKind(kind: string, apiVersion: unknown): KindName | null {
  if (kind.length < LIKENED_KIND_CHARS_MIN) return null;
  const kinds = Object.keys(KINDS) as KindName[];
  const meant = nearestWord(kind, kinds) as KindName | null;
  if (meant === null || meant === kind || typeof apiVersion !== "string") {
    return meant === kind ? null : meant;
  }
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  return group === KINDS[meant].group ? meant : null;
}

function look(value: unknown, names: FieldNames, path: string, found: UnknownField[]): void {
  if (Array.isArray(value)) {
    for (const [i, entry] of value.entries()) look(entry, names, `${path}[${i}]`, found);
    return;
  }
  if (!isJsonObject(value)) return;
  for (const [field, inner] of Object.entries(value)) {
    if (found.length >= UNKNOWN_FIELDS_MAX) return;
    const isPlain = /^[\w.-]{1,63}$/.test(field);
    const at = `${path}${path === "" ? "" : "."}${isPlain ? field : shown(field)}`;
    if (!Object.hasOwn(names, field)) found.push({ path: at, reason: reasonOf(at, field, names) });
    else if (names[field] !== null) look(inner, names[field], at, found);
  }
}

function reasonOf(path: string, field: string, names: FieldNames): string {
  const hint = didYouMean(field, Object.keys(names));
  return `${path} is no field that there is, and is ignored${hint}`;
}
