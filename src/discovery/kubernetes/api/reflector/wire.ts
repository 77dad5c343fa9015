/**
 * Answers of the Kubernetes API as a reflector reads them: events, lists and objects, of JSON that
 * may be anything.
 *
 * Only what the reflector itself needs is read: who an object is and what version it has. Whether
 * an object makes sense is for the injected `decode`.
 */
import { isJsonObject } from "../../../../base/index.ts";
import type { ApiFailure } from "../http/failure.ts";
import { failureOfStatus, isText } from "../http/status.ts";
import type { Identity } from "./store.ts";

/** The annotation of the bookmark that ends the initial events of a streaming list. */
const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

/** One line of a watch. */
export type WatchEvent =
  | { readonly type: "upsert" | "delete"; readonly object: unknown; readonly id: Identity | null }
  | { readonly type: "bookmark"; readonly resourceVersion: string; readonly isListEnd: boolean }
  | { readonly type: "error"; readonly failure: ApiFailure }
  | { readonly type: "nonsense" };

/** One page of a list. */
export interface ListPage {
  readonly resourceVersion: string;
  /** "" on the last page. */
  readonly continueToken: string;
  readonly items: readonly unknown[];
}

const NONSENSE: WatchEvent = { type: "nonsense" };

/** Reads one event; never throws. `id` is null when the object cannot be told from others. */
export function readEvent(value: unknown): WatchEvent {
  if (!isJsonObject(value) || !isJsonObject(value.object)) return NONSENSE;
  const { type, object } = value;
  switch (type) {
    case "ADDED":
    case "MODIFIED":
      return { type: "upsert", object, id: readIdentity(object) };
    case "DELETED":
      return { type: "delete", object, id: readIdentity(object) };
    case "BOOKMARK": {
      const metadata = isJsonObject(object.metadata) ? object.metadata : {};
      const annotations = isJsonObject(metadata.annotations) ? metadata.annotations : {};
      const { resourceVersion } = metadata;
      if (!isText(resourceVersion)) return NONSENSE;
      const isListEnd = annotations[INITIAL_EVENTS_END] === "true";
      return { type: "bookmark", resourceVersion, isListEnd };
    }
    case "ERROR":
      return { type: "error", failure: failureOfStatus(object, 0) };
    default:
      return NONSENSE;
  }
}

/** Reads one page; null when it is none. */
export function readPage(value: unknown): ListPage | null {
  if (!isJsonObject(value) || !isJsonObject(value.metadata)) return null;
  const { resourceVersion, continue: token } = value.metadata;
  const items = value.items ?? []; // Go writes an empty list as null
  if (!isText(resourceVersion) || !Array.isArray(items)) return null;
  return { resourceVersion, continueToken: typeof token === "string" ? token : "", items };
}

/** Who an object is; null when it does not say so. */
export function readIdentity(object: unknown): Identity | null {
  if (!isJsonObject(object) || !isJsonObject(object.metadata)) return null;
  const { name, namespace, uid, resourceVersion } = object.metadata;
  if (!isText(name) || !isText(uid) || !isText(resourceVersion)) return null;
  return { key: isText(namespace) ? `${namespace}/${name}` : name, uid, resourceVersion };
}
