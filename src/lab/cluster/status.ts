/**
 * What the API server says when it refuses: `Status` objects with the codes, reasons and words of
 * the real one (apimachinery, pkg/api/errors).
 *
 * Not when it refuses: that is decided where the rule lives.
 */
import type { Json } from "../../base/index.ts";
import { qualified, qualifiedKind, type Resource } from "./resources.ts";

/** One broken rule of an object or of a query. */
export interface Cause {
  /** Such as "FieldValueRequired". */
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** An answer that refuses. `body` is the Status. */
export class ApiError extends Error {
  readonly code: number;
  readonly body: Json;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: number, reason: string, message: string, change: Json = {}) {
    super(message);
    this.code = code;
    const { details, metadata = {} } = change;
    this.body = {
      ...{ kind: "Status", apiVersion: "v1", metadata, status: "Failure", message },
      ...(reason === "" ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
    const seconds = (details as Json | undefined)?.retryAfterSeconds;
    this.headers = seconds ? { "retry-after": String(seconds) } : {};
  }
}

type Named = Pick<Resource, "group" | "plural">;

function details({ group, plural }: Named, name: string): Json {
  return {
    ...(name === "" ? {} : { name }),
    ...(group === "" ? {} : { group }),
    kind: plural,
  };
}

/** 404: no such object. */
export function notFound(resource: Named, name: string): ApiError {
  const message = `${qualified(resource)} "${name}" not found`;
  return new ApiError(404, "NotFound", message, { details: details(resource, name) });
}

/** 404: no such resource. */
export function unknownResource(): ApiError {
  const message = "the server could not find the requested resource";
  return new ApiError(404, "NotFound", message, { details: {} });
}

/** 405: a verb that the resource does not have. */
export function methodNotAllowed(): ApiError {
  const message = "the server does not allow this method on the requested resource";
  return new ApiError(405, "MethodNotAllowed", message, { details: {} });
}

/** 409: create of a name that exists. */
export function alreadyExists(resource: Named, name: string): ApiError {
  const message = `${qualified(resource)} "${name}" already exists`;
  return new ApiError(409, "AlreadyExists", message, { details: details(resource, name) });
}

/** 409: a write whose premise is not so. */
export function conflict(resource: Named, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`;
  return new ApiError(409, "Conflict", message, { details: details(resource, name) });
}

/** 409: a write from an old resourceVersion. */
export function modified(resource: Named, name: string): ApiError {
  const why = "the object has been modified; please apply your changes to the latest version";
  return conflict(resource, name, `${why} and try again`);
}

/** 410: a resourceVersion that history does not reach. */
export function expired(message: string, metadata: Json = {}): ApiError {
  return new ApiError(410, "Expired", message, { metadata });
}

/** 422: an object that breaks rules; at least one cause. */
export function invalid(
  kind: Pick<Resource, "group" | "kind">,
  name: string,
  causes: readonly Cause[],
): ApiError {
  const texts = [...new Set(causes.map(({ field, message }) => `${field}: ${message}`))];
  const all = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  return new ApiError(422, "Invalid", `${qualifiedKind(kind)} "${name}" is invalid: ${all}`, {
    details: {
      ...(name === "" ? {} : { name }),
      ...(kind.group === "" ? {} : { group: kind.group }),
      kind: kind.kind,
      causes,
    },
  });
}

/** 400. */
export function badRequest(message: string): ApiError {
  return new ApiError(400, "BadRequest", message);
}

/** 401. */
export function unauthorized(): ApiError {
  return new ApiError(401, "Unauthorized", "Unauthorized");
}

/** 403: `why` begins with `User "..." cannot`. */
export function forbidden(resource: Named | null, name: string, why: string): ApiError {
  if (resource === null) {
    return new ApiError(403, "Forbidden", `forbidden: ${why}`, { details: {} });
  }
  const subject = name === "" ? qualified(resource) : `${qualified(resource)} "${name}"`;
  const message = `${subject} is forbidden: ${why}`;
  return new ApiError(403, "Forbidden", message, { details: details(resource, name) });
}

/** 415: a patch of a form that is not taken. */
export function unsupportedMediaType(): ApiError {
  const message = "415: Unsupported Media Type";
  return new ApiError(415, "UnsupportedMediaType", message, { details: {} });
}

/** 500. */
export function internalError(why: string): ApiError {
  return new ApiError(500, "InternalError", `Internal error occurred: ${why}`, {
    details: { causes: [{ message: why }] },
  });
}

/** 504: a resourceVersion that the server has not reached. */
export function tooLarge(wanted: number, current: number): ApiError {
  const message = `Timeout: Too large resource version: ${wanted}, current: ${current}`;
  return new ApiError(504, "Timeout", message, {
    details: {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    },
  });
}
