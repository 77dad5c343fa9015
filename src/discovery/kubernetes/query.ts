/** Whether an object is among those that a query asks for: what a source does by itself. */
import type { KubernetesObject } from "./objects.ts";
import type { ObjectQuery } from "./source.ts";

/** Compares the kind, and the namespace, name or label where the query has one. */
export function matchesQuery(query: ObjectQuery, { kind, metadata }: KubernetesObject): boolean {
  const { name, label } = query;
  return (
    kind === query.kind &&
    (query.namespace === null || metadata.namespace === query.namespace) &&
    (name === null || metadata.name === name) &&
    (label === null || metadata.labels[label.key] === label.value)
  );
}
