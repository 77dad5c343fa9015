/**
 * What a request is about: its path and method as verb, resource, namespace, name (the API server's
 * RequestInfo). Nothing is looked up.
 */
import type { Wish } from "./access.ts";
import { RESOURCES, type Resource } from "./resources.ts";

/** A request's subject. */
export interface RequestInfo extends Wish {
  /** Null when this server has no such resource. */
  readonly resource: Resource | null;
  readonly version: string;
}

const VERBS: Readonly<Record<string, string>> = {
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** What is served at all; what is not is no resource but a path. */
const GROUPS: ReadonlySet<string> = new Set([
  ...RESOURCES.map(({ group, version }) => `${group}/${version}`),
  ...["authentication.k8s.io/v1", "authorization.k8s.io/v1"],
]);

/** Reads method, path and query. */
export function requestInfo(method: string, url: URL): RequestInfo {
  const parts = url.pathname.split("/").filter((part) => part !== "");
  const core = parts[0] === "api" ? { group: "", version: parts[1], rest: parts.slice(2) } : null;
  const named =
    parts[0] === "apis" ? { group: parts[1], version: parts[2], rest: parts.slice(3) } : null;
  const { group = "", version = "", rest } = core ?? named ?? { rest: [] };
  if (rest.length === 0 || !GROUPS.has(`${group}/${version}`)) return pathInfo(method, url);
  const hasNamespace = rest[0] === "namespaces" && rest.length > 2 && !isOfNamespace(rest[2]!);
  const [plural = "", name = "", subresource = ""] = (hasNamespace ? rest.slice(2) : rest).map(
    decoded,
  );
  const ownNamespace = plural === "namespaces" ? name : "";
  const wanted = name || exactName(url.searchParams.get("fieldSelector") ?? "");
  return {
    ...{ group, version, plural, subresource },
    verb: verbOf(method, name, url.searchParams),
    namespace: hasNamespace ? decoded(rest[1]!) : ownNamespace,
    // A list narrowed to one name is authorized as that name.
    name: VERBS[method] === undefined ? wanted : name,
    path: url.pathname,
    resource:
      RESOURCES.find(
        (one) => one.plural === plural && one.group === group && one.version === version,
      ) ?? null,
  };
}

/** Subresources of a namespace, which are no resources within it. */
function isOfNamespace(part: string): boolean {
  return part === "status" || part === "finalize";
}

function verbOf(method: string, name: string, query: URLSearchParams): string {
  const verb = VERBS[method];
  if (verb !== undefined) return verb === "delete" && name === "" ? "deletecollection" : verb;
  if (name !== "") return "get";
  return /^(1|t|T|true|TRUE|True)$/.test(query.get("watch") ?? "") ? "watch" : "list";
}

function exactName(fieldSelector: string): string {
  return /(?:^|,)metadata\.name==?([^,]*)/.exec(fieldSelector)?.[1] ?? "";
}

function pathInfo(method: string, { pathname }: URL): RequestInfo {
  return {
    ...{ group: "", version: "", plural: "", subresource: "", namespace: "", name: "" },
    verb: method.toLowerCase(),
    path: pathname,
    resource: null,
  };
}

/** A part of a path; one that is no valid percent-encoding stays as it is, and names nothing. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
