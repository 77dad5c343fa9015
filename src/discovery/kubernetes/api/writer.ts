/**
 * The writer that is an API server: one request and one answer, by a client of its own, so that a
 * Lease is renewed in time however much is listed meanwhile.
 *
 * It never tries again by itself: what that would mean depends on what is written.
 */
import type { ObjectWriter, WriteFailure, WriteResult, WriteTarget, WriteVerb } from "../writer.ts";
import type { ApiAccess } from "./config/access.ts";
import { ApiClient, type ApiClientDeps } from "./http/client.ts";
import type { ApiFailure } from "./http/failure.ts";
import type { ApiRequest } from "./http/transport.ts";

const METHODS = { get: "GET", create: "POST", update: "PUT", patch: "PATCH" } as const;

/**
 * Connects when it is asked to write.
 *
 * @throws ApiAccessError when credentials or certificates cannot be used.
 */
export function createApiWriter(
  access: ApiAccess,
  deps: Pick<ApiClientDeps, "clock" | "rng" | "log">,
): ObjectWriter {
  return new ApiWriter(access, deps);
}

class ApiWriter implements ObjectWriter {
  readonly #client: ApiClient;

  constructor(access: ApiAccess, deps: Pick<ApiClientDeps, "clock" | "rng" | "log">) {
    this.#client = new ApiClient(access, deps);
  }

  send(
    verb: WriteVerb,
    at: WriteTarget,
    body: unknown,
    onDone: (result: WriteResult) => void,
  ): ApiRequest {
    const text = verb === "get" ? null : JSON.stringify(body);
    return this.#client.request(METHODS[verb], pathOf(verb, at), text, {
      onAnswer: (object) => onDone({ object, failure: null }),
      onFailure: (failure) => onDone({ object: null, failure: writeFailureOf(failure, verb, at) }),
    });
  }

  close(): void {
    this.#client.close();
  }
}

function pathOf(
  verb: WriteVerb,
  { apiVersion, plural, namespace, name, subresource }: WriteTarget,
) {
  const root = apiVersion.includes("/") ? "/apis" : "/api";
  const place = namespace === "" ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  const collection = `${root}/${apiVersion}${place}/${plural}`;
  if (verb === "create") return collection;
  const part = subresource === null ? "" : `/${subresource}`;
  return `${collection}/${encodeURIComponent(name)}${part}`;
}

function writeFailureOf(failure: ApiFailure, verb: WriteVerb, at: WriteTarget): WriteFailure {
  const { status, reason, retryAfterMs } = failure;
  const kind = kindOf(failure);
  if (kind === "unauthorized") {
    const refused = "unauthorized: the API server refuses the credentials";
    return { kind, reason: refused, retryAfterMs };
  }
  if (kind === "forbidden")
    return { kind, reason: `forbidden: needs ${rightOf(verb, at)}`, retryAfterMs };
  if (status === 404) {
    const { plural, namespace, name } = at;
    const where = namespace === "" ? name : `${namespace}/${name}`;
    return { kind, reason: `the API server has no ${plural} ${where}`, retryAfterMs };
  }
  return { kind, reason, retryAfterMs };
}

function kindOf({ status, isInvalid }: ApiFailure): WriteFailure["kind"] {
  if (isInvalid) return "invalid";
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return "refused";
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "absent";
    case 409:
      return "conflict";
    default:
      return "unreachable";
  }
}

/** "patch on gateways.gateway.networking.k8s.io/status in namespace prod": as a Role says it. */
function rightOf(verb: WriteVerb, { apiVersion, plural, namespace, subresource }: WriteTarget) {
  const group = apiVersion.includes("/") ? `.${apiVersion.split("/", 1)[0]}` : "";
  const part = subresource === null ? "" : `/${subresource}`;
  const where = namespace === "" ? "" : ` in namespace ${namespace}`;
  return `${verb} on ${plural}${group}${part}${where}`;
}
