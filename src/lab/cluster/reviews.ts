/**
 * What a caller may ask about himself: SelfSubjectReview (authentication.k8s.io/v1) and
 * SelfSubjectAccessReview (authorization.k8s.io/v1). Both are created and stored nowhere.
 */
import { asJson, asText, type Json } from "../../base/index.ts";
import { type Caller, mayDo, type Wish } from "./access.ts";
import { timestamp } from "./object.ts";
import { badRequest } from "./status.ts";

/** The resources of this file. */
export const REVIEWS: readonly Pick<Wish, "group" | "plural">[] = [
  { group: "authentication.k8s.io", plural: "selfsubjectreviews" },
  { group: "authorization.k8s.io", plural: "selfsubjectaccessreviews" },
];

/** Whether it is one of them. */
export function isReview({ group, plural }: Pick<Wish, "group" | "plural">): boolean {
  return REVIEWS.some((one) => one.group === group && one.plural === plural);
}

/** Answers a review. Throws 400 when it asks nothing. */
export function review(caller: Caller, plural: string, body: unknown, wallMs: number): Json {
  const metadata = { creationTimestamp: timestamp(wallMs) };
  if (plural === "selfsubjectreviews") {
    return {
      ...{ kind: "SelfSubjectReview", apiVersion: "authentication.k8s.io/v1", metadata },
      status: { userInfo: { username: caller.name, groups: caller.groups } },
    };
  }
  const spec = asJson(asJson(body).spec);
  const wish = wishOf(spec);
  if (wish === null) {
    throw badRequest("spec: one of resourceAttributes and nonResourceAttributes must be given");
  }
  const allowed = mayDo(caller, wish);
  return {
    ...{ kind: "SelfSubjectAccessReview", apiVersion: "authorization.k8s.io/v1" },
    ...{ metadata: { creationTimestamp: null }, spec },
    status: { allowed, ...(allowed ? { reason: "RBAC: allowed by a rule of the lab" } : {}) },
  };
}

function wishOf(spec: Json): Wish | null {
  const none = { group: "", plural: "", subresource: "", namespace: "", name: "", path: "" };
  if (spec.nonResourceAttributes !== undefined) {
    const { path, verb } = asJson(spec.nonResourceAttributes);
    return { ...none, path: asText(path), verb: asText(verb) };
  }
  if (spec.resourceAttributes === undefined) return null;
  const attributes = asJson(spec.resourceAttributes);
  return {
    ...none,
    verb: asText(attributes.verb),
    group: asText(attributes.group),
    plural: asText(attributes.resource),
    subresource: asText(attributes.subresource),
    namespace: asText(attributes.namespace),
    name: asText(attributes.name),
  };
}
