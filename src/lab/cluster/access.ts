/**
 * Who asks, and what they may do: bearer tokens, client certificates, and rules as RBAC has them.
 *
 * Users come with the server and have their own rules; ServiceAccounts, Roles and bindings are
 * objects. Without any user the server lets everybody do everything. With users, a request without
 * credentials is `system:anonymous`, who may read only what `system:public-info-viewer` allows, as
 * in a cluster; unknown credentials are refused with 401.
 */
import { boundRules, ownerOf } from "./service-accounts.ts";
import { type ApiError, forbidden, unauthorized } from "./status.ts";
import type { Store } from "./store.ts";

/** What a user may do. "*" in a list is everything. */
export interface Rule {
  readonly verbs: readonly string[];
  /** "" is the core group. */
  readonly groups: readonly string[];
  /** Plurals; a subresource is "pods/status". */
  readonly resources: readonly string[];
  /** The namespaces it holds in; null: in all and for what lives in none (a ClusterRole bound). */
  readonly namespaces: readonly string[] | null;
  /** Only these objects; all when absent. Never matches list and create without a name. */
  readonly names?: readonly string[];
}

/** Somebody who has credentials. */
export interface User {
  readonly name: string;
  readonly groups?: readonly string[];
  /** Its bearer tokens. */
  readonly tokens: readonly string[];
  readonly rules: readonly Rule[];
}

/** May do everything everywhere. */
export const ADMIN_RULES: readonly Rule[] = [
  { verbs: ["*"], groups: ["*"], resources: ["*"], namespaces: null },
];

/** What a request wants, as authorization sees it. */
export interface Wish {
  readonly verb: string;
  readonly group: string;
  /** "" for a path that is no resource. */
  readonly plural: string;
  /** "" for none. */
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
}

/** Who a request comes from. */
export interface Caller {
  readonly name: string;
  readonly groups: readonly string[];
  readonly rules: readonly Rule[];
}

const ANONYMOUS: Caller = {
  name: "system:anonymous",
  groups: ["system:unauthenticated"],
  rules: [],
};
const EVERYBODY: Caller = {
  name: "lab",
  groups: ["system:masters", "system:authenticated"],
  rules: ADMIN_RULES,
};
/** What anybody may read (the ClusterRole system:public-info-viewer). */
const PUBLIC_PATHS = ["/livez", "/readyz", "/healthz", "/version"];
/** What every user may ask about himself (the ClusterRole system:basic-user). */
const SELF_REVIEWS = ["selfsubjectaccessreviews", "selfsubjectreviews", "selfsubjectrulesreviews"];

/** Users and their tokens; both may change while the server runs. */
export class Access {
  readonly #store: Store;
  readonly #users = new Map<string, User>();

  constructor(store: Store, users: readonly User[] = []) {
    this.#store = store;
    for (const user of users) this.setUser(user);
  }

  /** Adds a user, or replaces the one of the same name with its tokens and rules. */
  setUser(user: User): void {
    this.#users.set(user.name, user);
  }

  /** From now on the token is not accepted. Watches that are open go on, as in a cluster. */
  revokeToken(token: string): void {
    for (const user of this.#users.values()) {
      const tokens = user.tokens.filter((one) => one !== token);
      if (tokens.length < user.tokens.length) this.setUser({ ...user, tokens });
    }
  }

  /**
   * Who sent these credentials. Throws 401 when they are not known.
   *
   * @param authorization the header, or "".
   * @param certificate the name in a verified client certificate, or null.
   */
  authenticate(authorization: string, certificate: string | null): Caller {
    const token = /^Bearer +(\S+)\s*$/i.exec(authorization)?.[1];
    const account = token === undefined ? undefined : ownerOf(this.#store, token);
    if (account === null) throw unauthorized();
    if (account !== undefined) return this.#caller({ ...account, rules: [] });
    if (this.#users.size === 0) return EVERYBODY;
    if (token !== undefined) {
      const user = [...this.#users.values()].find((one) => one.tokens.includes(token));
      if (!user) throw unauthorized();
      return this.#caller(user);
    }
    if (certificate !== null) {
      return this.#caller(this.#users.get(certificate) ?? { name: certificate, rules: [] });
    }
    if (authorization !== "") throw unauthorized();
    return ANONYMOUS;
  }

  #caller({ name, groups = [], rules }: Omit<User, "tokens">): Caller {
    const all = [...groups, "system:authenticated"];
    const bound = boundRules(this.#store, name, all);
    return { name, groups: all, rules: bound.length === 0 ? rules : [...rules, ...bound] };
  }

  /** Throws 403, in the words of the real server, when the caller may not do this. */
  authorize(caller: Caller, wish: Wish): void {
    if (mayDo(caller, wish)) return;
    throw refusal(caller, wish);
  }
}

/** Whether a caller may do this. */
export function mayDo(caller: Caller, wish: Wish): boolean {
  if (wish.plural === "") {
    return caller.rules === ADMIN_RULES || PUBLIC_PATHS.includes(wish.path.replace(/\/$/, ""));
  }
  if (SELF_REVIEWS.includes(wish.plural) && caller !== ANONYMOUS) return true;
  return caller.rules.some((rule) => allows(rule, wish));
}

function allows(rule: Rule, wish: Wish): boolean {
  const has = (list: readonly string[], value: string): boolean =>
    list.includes("*") || list.includes(value);
  const resource = wish.subresource === "" ? wish.plural : `${wish.plural}/${wish.subresource}`;
  return (
    has(rule.verbs, wish.verb) &&
    has(rule.groups, wish.group) &&
    has(rule.resources, resource) &&
    (rule.namespaces === null || rule.namespaces.includes(wish.namespace)) &&
    (rule.names === undefined || (wish.name !== "" && rule.names.includes(wish.name)))
  );
}

function refusal(caller: Caller, wish: Wish): ApiError {
  const { verb, group, plural, subresource, namespace, name, path } = wish;
  const who = `User "${caller.name}" cannot ${verb}`;
  if (plural === "") return forbidden(null, "", `${who} path "${path}"`);
  const resource = subresource === "" ? plural : `${plural}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const why = `${who} resource "${resource}" in API group "${group}" ${where}`;
  return forbidden({ group, plural }, name, why);
}
