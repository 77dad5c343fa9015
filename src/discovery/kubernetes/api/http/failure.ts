/**
 * How a request to the API server failed, and what that means for people.
 *
 * A failure is data, not an exception: the reflector decides by its status what comes next. Texts
 * are stable for one cause, because listeners are told when the reason changes and not otherwise.
 */
import type { Kind } from "../../objects.ts";
import type { SourceProblem } from "../../source.ts";

/** Why there is no answer, or what the answer was instead. */
export interface ApiFailure {
  /** The HTTP status, or the `code` of a Status object in a watch; 0 when there was none. */
  readonly status: number;
  /** The Status object's `reason`, such as "Expired"; "" when there is none. */
  readonly code: string;
  /** One clause for people, without secrets. */
  readonly reason: string;
  /** What the server asked us to wait (`Retry-After`); 0 when it did not ask. */
  readonly retryAfterMs: number;
  /** An answer that was larger than is allowed. */
  readonly isTooLarge: boolean;
  /** The server did not answer when it was asked whether it is still there. */
  readonly isSilent: boolean;
  /** The credentials cannot be had at all: nothing was sent. */
  readonly isInvalid: boolean;
}

/** What to change of the defaults. */
export type FailureParts = Partial<ApiFailure> & { readonly reason: string };

/** A failure without an answer, unless `parts` say more. */
export function newFailure(parts: FailureParts): ApiFailure {
  return {
    status: 0,
    code: "",
    retryAfterMs: 0,
    isTooLarge: false,
    isSilent: false,
    isInvalid: false,
    ...parts,
  };
}

/** What RBAC is asked for. */
export interface Access {
  readonly verb: "get" | "list" | "watch";
  readonly kind: Kind;
  /** "" for kinds that live in no namespace; null for all namespaces. */
  readonly namespace: string | null;
}

/** "list on endpointslices.discovery.k8s.io in namespace prod". */
export function accessText({ verb, kind, namespace }: Access): string {
  const resource = kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
  if (namespace === null && kind.isNamespaced) return `${verb} on ${resource} in all namespaces`;
  return `${verb} on ${resource}${namespace ? ` in namespace ${namespace}` : ""}`;
}

/** The failure as listeners of a source are told. */
export function problemOf(failure: ApiFailure, access: Access): SourceProblem {
  const { status, reason } = failure;
  if (failure.isInvalid) return { kind: "invalid", reason };
  if (status === 401) {
    return { kind: "unauthorized", reason: "unauthorized: the API server refuses the credentials" };
  }
  if (status === 403)
    return { kind: "forbidden", reason: `forbidden: needs ${accessText(access)}` };
  if (status === 404) {
    const { plural, apiVersion } = access.kind;
    const reason = `the API server has no ${plural} of ${apiVersion}`;
    return { kind: isBuiltIn(access.kind) ? "unreachable" : "absent", reason };
  }
  return { kind: "unreachable", reason };
}

/** Whether every API server has the kind: one that has not is none, or is not ready yet. */
export function isBuiltIn({ group }: Pick<Kind, "group">): boolean {
  return BUILT_IN_GROUPS.includes(group);
}
const BUILT_IN_GROUPS = ["", "discovery.k8s.io"];

/** A resourceVersion that the server does not know any more: "410 Gone" or reason "Expired". */
export function isGone({ status, code }: ApiFailure): boolean {
  return status === 410 || code === "Expired" || code === "Gone";
}
