/**
 * Custom resources, as far as the Gateway API needs them: a kind is served while its
 * CustomResourceDefinition exists, and its objects go with it.
 *
 * Which kinds there can be is fixed (`resources.ts`); what a definition says beside its name is
 * kept and not obeyed: there are no schemas here, but what those of the Gateway API fill in is
 * filled in.
 */
import { asJson, type Json } from "../../base/index.ts";
import { type ApiObject, sameJson } from "./object.ts";
import type { Objects } from "./objects.ts";
import { apiVersionOf, qualified, RESOURCES, type Resource } from "./resources.ts";
import type { Store } from "./store.ts";

/** The kind of definitions. */
export const DEFINITION_KIND = "CustomResourceDefinition";

/** Whether the server has this resource at the moment. */
export function isServed(store: Store, resource: Resource): boolean {
  return !resource.isCustom || store.get(DEFINITION_KIND, qualified(resource)) !== undefined;
}

/** The resource that a definition of this name is of; undefined for one that cannot be served. */
export function definedBy(name: string): Resource | undefined {
  return RESOURCES.find((resource) => resource.isCustom && qualified(resource) === name);
}

/** Makes the definitions of the Gateway API: their names and scopes. */
export function installGatewayApi(objects: Objects): void {
  for (const resource of RESOURCES) {
    if (resource.isCustom) objects.create(DEFINITION_KIND, "", definitionOf(resource));
  }
}

function definitionOf(resource: Resource): Json {
  const { kind, group, version, plural, isNamespaced } = resource;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: DEFINITION_KIND,
    metadata: { name: qualified(resource) },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      scope: isNamespaced ? "Namespaced" : "Cluster",
      versions: [{ name: version, served: true, storage: true }],
    },
  };
}

/** The status of a new definition: it is in force at once. */
export function definitionStatus(): Json {
  return { conditions: [{ type: "Established", status: "True" }] };
}

const LONG_AGO = "1970-01-01T00:00:00Z";

/** What the schemas of the Gateway API put into the status of a new object, of those that do. */
export function customStatus(kind: string): Json | null {
  const pending = (type: string): Json => ({
    ...{ type, status: "Unknown", reason: "Pending", message: "Waiting for controller" },
    lastTransitionTime: LONG_AGO,
  });
  if (kind === "GatewayClass") return { conditions: [pending("Accepted")] };
  if (kind === "Gateway") return { conditions: [pending("Accepted"), pending("Programmed")] };
  return null;
}

/** The object with its generation: it counts changes of anything but metadata and status. */
export function withGeneration(object: ApiObject, before: ApiObject | null): ApiObject {
  const isSame = before === null || sameJson(contentOf(before), contentOf(object));
  const generation = before === null ? 1 : Number(before.metadata.generation) + (isSame ? 0 : 1);
  return { ...object, metadata: { ...object.metadata, generation } };
}

function contentOf(object: ApiObject): Json {
  const { metadata: _metadata, status: _status, ...rest } = object;
  return asJson(rest);
}

/** The apiVersion of objects of a definition that is deleted with them. */
export function instancesOf(store: Store, resource: Resource): readonly ApiObject[] {
  const apiVersion = apiVersionOf(resource);
  return [...store.all(resource.kind)].filter((object) => object.apiVersion === apiVersion);
}
