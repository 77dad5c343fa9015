/**
 * What call credentials gave for one call, or how they failed: code of users, so anything.
 *
 * Whatever it is becomes header fields or a status, and is never thrown; no value of theirs is
 * shown, since it is a secret. Which statuses credentials may claim: gRFC A54.
 */
import type { Metadata } from "@grpc/grpc-js";
import { Status } from "../../grpc/index.ts";
import type { Field } from "../../http2/index.ts";
import { toFields } from "./metadata.ts";

/** A call that ends for its credentials. */
export interface CredentialsFailure {
  readonly code: Status;
  readonly details: string;
}

const NO_METADATA = "call credentials gave something that is no Metadata of @grpc/grpc-js";
const TWO_LOGINS = '"authorization" metadata cannot have multiple values';

/** The fields of a call: the caller's own metadata and what its credentials add. */
export function joinMetadata(own: Metadata, added: unknown): Field[] | null | CredentialsFailure {
  try {
    const all = own.clone();
    const map = (added as Metadata).toJSON() as Record<string, (string | Buffer)[]>;
    // One by one: so grpc-js checks each, also those that another copy of it has made.
    for (const key of Object.keys(map)) for (const value of map[key]!) all.add(key, value);
    const isDouble = all.get("authorization").length > 1;
    return isDouble ? { code: Status.INTERNAL, details: TWO_LOGINS } : toFields(all);
  } catch {
    return { code: Status.INTERNAL, details: NO_METADATA };
  }
}

/** Statuses of servers. gRFC A54. */
const NOT_OURS: ReadonlySet<Status> = new Set([
  Status.OK,
  Status.INVALID_ARGUMENT,
  Status.NOT_FOUND,
  Status.ALREADY_EXISTS,
  Status.FAILED_PRECONDITION,
  Status.ABORTED,
  Status.OUT_OF_RANGE,
  Status.DATA_LOSS,
]);

/** The status for what credentials threw or rejected with. */
export function credentialsFailure(error: unknown): CredentialsFailure {
  const { code, message } = readError(error);
  if (typeof message !== "string") {
    return { code: Status.INTERNAL, details: "call credentials failed, and not with an Error" };
  }
  const isStatus = Number.isInteger(code) && (code as number) >= 0 && (code as number) <= 16;
  const claimed = isStatus ? (code as Status) : Status.UNKNOWN;
  return {
    code: NOT_OURS.has(claimed) ? Status.INTERNAL : claimed,
    details: `Getting metadata from plugin failed with error: ${message}`,
  };
}

/** Its properties may be getters, which may throw. */
function readError(error: unknown): { readonly code?: unknown; readonly message?: unknown } {
  try {
    const { code, message } = Object(error);
    return { code, message };
  } catch {
    return {};
  }
}
