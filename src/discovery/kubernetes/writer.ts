/**
 * The contract of the one who writes to a cluster: the status of objects, and Leases. No part of
 * discovery, which only reads: it is for the control plane, and needs rights of its own.
 */

/** Where something is written, or read just before that. */
export interface WriteTarget {
  /** "coordination.k8s.io/v1" or "v1". */
  readonly apiVersion: string;
  /** As in URLs: "leases". */
  readonly plural: string;
  /** "" for a kind that lives in no namespace. */
  readonly namespace: string;
  readonly name: string;
  /** Apart from the rest, with rights of its own; null: the object itself. */
  readonly subresource: "status" | null;
}

/**
 * `create` and `update` take a whole object, `patch` a merge patch (RFC 7396). What is updated or
 * patched names its `metadata.resourceVersion`: who has an old one is told `conflict`.
 */
export type WriteVerb = "get" | "create" | "update" | "patch";

/** Why something was not written. */
export interface WriteFailure {
  /**
   * `conflict`: it changed meanwhile, or is there already; `absent`: there is no such object, or no
   * such kind; `refused`: it breaks a rule of its kind; the others as in `SourceProblem`. Of
   * `unreachable` it is not known whether it was written.
   */
  readonly kind:
    | "conflict"
    | "absent"
    | "refused"
    | "forbidden"
    | "unauthorized"
    | "invalid"
    | "unreachable";
  /** One clause for people, without secrets; with the verb and resource when RBAC forbids it. */
  readonly reason: string;
  /** What the server asked us to wait; 0 when it did not ask. */
  readonly retryAfterMs: number;
}

/** The object as it is now, parsed JSON that nobody has checked; or why not. */
export type WriteResult =
  | { readonly object: unknown; readonly failure: null }
  | { readonly object: null; readonly failure: WriteFailure };

/** Writes objects. */
export interface ObjectWriter {
  /**
   * Sends one request.
   *
   * @param body null for `get`.
   * @param onDone called once, on a later turn of the event loop; never after `close` of either.
   */
  send(
    verb: WriteVerb,
    at: WriteTarget,
    body: unknown,
    onDone: (result: WriteResult) => void,
  ): { close(): void };
  /** Ends what is under way, unheard. */
  close(): void;
}
