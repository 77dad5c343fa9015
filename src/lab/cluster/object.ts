/**
 * Kubernetes objects as the lab's API server keeps them: JSON values of which it reads the metadata
 * and, kind by kind, a few fields more. Everything else is kept and given back as it came.
 *
 * Objects are never changed once stored: who changes one makes another.
 */
import { isJsonObject, type Json } from "../../base/index.ts";

/** The metadata that the server writes and reads. */
export interface ApiMeta extends Json {
  readonly name: string;
  /** Absent for a kind that lives in no namespace. */
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** RFC 3339, whole seconds. */
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Any object. */
export interface ApiObject extends Json {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ApiMeta;
}

/** The value as a list of objects; what is none is left out. */
export function asList(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** The key of an object within its kind, by which lists are sorted: "namespace/name" or "name". */
export function keyOf({ namespace, name }: { namespace?: string; name: string }): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Equal as JSON, whatever the order of keys; an absent key is not the same as null. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]));
}

const TEXTS = new WeakMap<ApiObject, string>();

/** The object as JSON text, made once: a thousand watchers of it share one. */
export function textOf(object: ApiObject): string {
  let text = TEXTS.get(object);
  if (text === undefined) {
    text = JSON.stringify(object);
    TEXTS.set(object, text);
  }
  return text;
}

/** A time as Kubernetes writes it: RFC 3339, UTC, whole seconds. */
export function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d+Z$/, "Z");
}
