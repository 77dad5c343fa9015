/**
 * Requests of the Kubernetes API as paths: lists and watches of one query.
 *
 * "API Concepts": resource URIs, `limit` and `continue`, `watch`, `resourceVersion`, and streaming
 * lists (`sendInitialEvents`). Selectors are made of one name or one label: no more is needed; and
 * of Secrets only certificates for TLS are asked for, so that no others ever come here.
 */
import { KINDS, type Kind } from "../../objects.ts";
import type { ObjectQuery } from "../../source.ts";

/**
 * Of a kind: "/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices".
 * @param namespace null or "" for those of all namespaces.
 */
function collectionPath(kind: Kind, namespace: string | null): string {
  const root = kind.group === "" ? "/api" : "/apis";
  const isPlaced = kind.isNamespaced && namespace !== null && namespace !== "";
  const place = isPlaced ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${root}/${kind.apiVersion}${place}/${kind.plural}`;
}

/** What is asked for of a kind and nothing else. */
const FIELDS_OF_KIND: Readonly<Partial<Record<string, string>>> = {
  Secret: "type=kubernetes.io/tls",
};

/** One page of a list of everything as it is now. */
export function listPath(query: ObjectQuery, limit: number, continueToken: string): string {
  const params = selectorsOf(query);
  params.set("limit", String(limit));
  if (continueToken !== "") params.set("continue", continueToken);
  return withParams(query, params);
}

/** A watch of what comes after `resourceVersion`. */
export function watchPath(query: ObjectQuery, resourceVersion: string, timeoutS: number): string {
  const params = watchParams(query, timeoutS);
  params.set("resourceVersion", resourceVersion);
  return withParams(query, params);
}

/**
 * A watch that begins with everything as it is now (KEP-3157). "sendInitialEvents: true" needs
 * `resourceVersionMatch=NotOlderThan`; without a resourceVersion the start is the most recent.
 */
export function streamListPath(query: ObjectQuery, timeoutS: number): string {
  const params = watchParams(query, timeoutS);
  params.set("sendInitialEvents", "true");
  params.set("resourceVersionMatch", "NotOlderThan");
  return withParams(query, params);
}

function watchParams(query: ObjectQuery, timeoutS: number): URLSearchParams {
  const params = selectorsOf(query);
  params.set("watch", "true");
  params.set("allowWatchBookmarks", "true");
  params.set("timeoutSeconds", String(timeoutS));
  return params;
}

function selectorsOf({ kind, name, label }: ObjectQuery): URLSearchParams {
  const params = new URLSearchParams();
  const fields = name === null ? [] : [`metadata.name=${name}`];
  const always = FIELDS_OF_KIND[kind];
  if (always !== undefined) fields.push(always);
  if (fields.length > 0) params.set("fieldSelector", fields.join(","));
  if (label !== null) params.set("labelSelector", `${label.key}=${label.value}`);
  return params;
}

function withParams({ kind, namespace }: ObjectQuery, params: URLSearchParams): string {
  return `${collectionPath(KINDS[kind], namespace)}?${params}`;
}
