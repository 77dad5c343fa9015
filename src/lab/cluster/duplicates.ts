/**
 * Endpoints that are in two slices of a Service at once, as they may be for a while when the
 * controller moves them (API reference: "an endpoint may be in more than one slice").
 *
 * The copies are in slices of their own, which the controller takes for somebody else's.
 */
import { asJson } from "../../base/index.ts";
import { SERVICE_NAME_LABEL } from "../../discovery/index.ts";
import type { ApiObject } from "./object.ts";
import type { Objects } from "./objects.ts";

const SUFFIX = "-moving";
const MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by";

/** Copies every slice of a Service. */
export function duplicateEndpoints(objects: Objects, namespace: string, service: string): void {
  for (const slice of slicesOf(objects, namespace, service)) {
    const { metadata, ...content } = slice;
    const name = `${metadata.name}${SUFFIX}`;
    if (metadata.name.endsWith(SUFFIX)) continue;
    if (objects.store.get("EndpointSlice", `${namespace}/${name}`)) continue;
    const labels = { ...asJson(metadata.labels), [MANAGED_BY_LABEL]: "fairlead-lab" };
    objects.create("EndpointSlice", namespace, { ...content, metadata: { name, labels } });
  }
}

/** Removes the copies. */
export function mergeDuplicates(objects: Objects, namespace: string, service: string): void {
  for (const { metadata } of slicesOf(objects, namespace, service)) {
    if (!metadata.name.endsWith(SUFFIX)) continue;
    objects.delete({ kind: "EndpointSlice", namespace, name: metadata.name });
  }
}

function slicesOf(objects: Objects, namespace: string, service: string): readonly ApiObject[] {
  return [...objects.store.all("EndpointSlice")].filter(
    ({ metadata }) =>
      metadata.namespace === namespace && metadata.labels?.[SERVICE_NAME_LABEL] === service,
  );
}
