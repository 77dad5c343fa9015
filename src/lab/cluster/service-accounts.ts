/**
 * ServiceAccounts, their tokens, and the rights that Roles and bindings give: RBAC as objects, for
 * tests that set it up as they would in a cluster.
 *
 * A token says whose it is, and is good while an account of that uid exists. It is not signed: this
 * server guards nothing.
 */
import { asJson, asText, isJsonObject, type Json } from "../../base/index.ts";
import type { Rule } from "./access.ts";
import { type ApiObject, asList, timestamp } from "./object.ts";
import { resourceOf } from "./resources.ts";
import { notFound } from "./status.ts";
import type { Store } from "./store.ts";

const PREFIX = "lab.";
const TOKEN_SECONDS_DEFAULT = 3600;
/** The group of every ServiceAccount. */
const SERVICE_ACCOUNTS_GROUP = "system:serviceaccounts";

/** Whose a token is. */
export interface TokenOwner {
  /** "system:serviceaccount:NAMESPACE:NAME" */
  readonly name: string;
  readonly groups: readonly string[];
}

/** Answers a TokenRequest for an account. Throws 404. */
export function requestToken(
  store: Store,
  namespace: string,
  name: string,
  body: unknown,
  wallMs: number,
): Json {
  const account = store.get("ServiceAccount", `${namespace}/${name}`);
  if (!account) throw notFound(resourceOf("ServiceAccount"), name);
  const spec = asJson(asJson(body).spec);
  const seconds = Number(spec.expirationSeconds ?? TOKEN_SECONDS_DEFAULT);
  const { uid } = account.metadata;
  const token =
    PREFIX + Buffer.from(JSON.stringify({ namespace, name, uid })).toString("base64url");
  return {
    ...{ kind: "TokenRequest", apiVersion: "authentication.k8s.io/v1" },
    metadata: { name, namespace, creationTimestamp: timestamp(wallMs) },
    spec: { ...spec, expirationSeconds: seconds },
    status: { token, expirationTimestamp: timestamp(wallMs + seconds * 1000) },
  };
}

/** Whose a token is; null when that account does not exist, undefined for other tokens. */
export function ownerOf(store: Store, token: string): TokenOwner | null | undefined {
  if (!token.startsWith(PREFIX)) return undefined;
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(token.slice(PREFIX.length), "base64url").toString("utf8"));
  } catch {
    return null;
  }
  if (!isJsonObject(claims)) return null;
  const { namespace, name, uid } = claims;
  const account = store.get("ServiceAccount", `${asText(namespace)}/${asText(name)}`);
  if (!account || account.metadata.uid !== uid) return null;
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: [SERVICE_ACCOUNTS_GROUP, `${SERVICE_ACCOUNTS_GROUP}:${namespace}`],
  };
}

/** The rules that bindings give to a user or one of the groups. */
export function boundRules(store: Store, user: string, groups: readonly string[]): readonly Rule[] {
  const rules: Rule[] = [];
  for (const binding of store.all("RoleBinding")) {
    if (!isBound(binding, user, groups)) continue;
    const { namespace = "" } = binding.metadata;
    rules.push(...rulesOf(store, binding, [namespace]));
  }
  for (const binding of store.all("ClusterRoleBinding")) {
    if (isBound(binding, user, groups)) rules.push(...rulesOf(store, binding, null));
  }
  return rules;
}

function isBound(binding: ApiObject, user: string, groups: readonly string[]): boolean {
  return asList(binding.subjects).some(({ kind, name, namespace }) => {
    if (kind === "ServiceAccount") return user === `system:serviceaccount:${namespace}:${name}`;
    return kind === "Group" ? groups.includes(asText(name)) : user === name;
  });
}

function rulesOf(
  store: Store,
  binding: ApiObject,
  namespaces: readonly string[] | null,
): readonly Rule[] {
  const { kind, name } = asJson(binding.roleRef);
  const isCluster = kind === "ClusterRole";
  const key = isCluster ? asText(name) : `${binding.metadata.namespace}/${asText(name)}`;
  const role = store.get(isCluster ? "ClusterRole" : "Role", key);
  return asList(role?.rules).map((rule) => ({
    verbs: texts(rule.verbs),
    groups: texts(rule.apiGroups),
    resources: texts(rule.resources),
    namespaces,
    ...(texts(rule.resourceNames).length > 0 ? { names: texts(rule.resourceNames) } : {}),
  }));
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
