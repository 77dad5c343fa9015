/**
 * One request of the Kubernetes API from its head to its answer: faults, credentials, rights, and
 * the verbs. No sockets: those are in `server.ts`.
 */
import type http from "node:http";
import { asJson, type Clock, isJsonObject } from "../../base/index.ts";
import type { Access, Caller } from "./access.ts";
import { Answer } from "./answer.ts";
import { DEFINITION_KIND, definedBy, isServed } from "./custom.ts";
import type { Faults } from "./faults.ts";
import { inNamespace, listText, untilFresh } from "./list.ts";
import { parseListOptions } from "./list-options.ts";
import { textOf } from "./object.ts";
import type { DeleteOptions, ObjectName, Objects } from "./objects.ts";
import { PATCH_TYPES } from "./patch.ts";
import { type RequestInfo, requestInfo } from "./request-info.ts";
import { apiVersionOf, qualified, type Resource } from "./resources.ts";
import { isReview, review } from "./reviews.ts";
import { requestToken } from "./service-accounts.ts";
import {
  ApiError,
  badRequest,
  expired,
  internalError,
  methodNotAllowed,
  unknownResource,
  unsupportedMediaType,
} from "./status.ts";
import { Watch } from "./watch.ts";

/** What requests are served from. */
export interface HandlerDeps {
  readonly objects: Objects;
  readonly access: Access;
  readonly faults: Faults;
  readonly clock: Clock;
}

/** A request as it came. */
export interface ApiRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  /** The name in a verified client certificate, or null. */
  readonly certificate: string | null;
  /** Resets the TCP connection that it came on. */
  reset(): void;
}

/** What `/version` says. */
const VERSION = {
  ...{ major: "1", minor: "36", gitVersion: "v1.36.4+fairlead.lab", platform: "node" },
} as const;

const HEALTH_PATHS = ["/livez", "/readyz", "/healthz"];
/** A watch that names no time ends after half an hour to an hour; here always after the half. */
const WATCH_SECONDS_DEFAULT = 1800;

/** Serves requests. */
export class Handler {
  /** Requests so far by "verb resource", such as "list services", for tests. */
  readonly counts = new Map<string, number>();
  readonly #deps: HandlerDeps;
  readonly #watches = new Set<Watch>();

  constructor(deps: HandlerDeps) {
    this.#deps = deps;
    deps.objects.store.onEvent(({ type, kind, object }) => {
      if (kind !== DEFINITION_KIND || type !== "DELETED") return;
      const resource = definedBy(object.metadata.name);
      for (const watch of [...this.#watches]) if (watch.resource === resource) watch.finish();
    });
  }

  /** Watches that are open. */
  get watchCount(): number {
    return this.#watches.size;
  }

  /** Sends ERROR 410 on every open watch, and ends them. */
  expireWatches(): void {
    const { revision } = this.#deps.objects.store;
    for (const watch of [...this.#watches]) {
      watch.fail(expired(`too old resource version: 1 (${revision})`));
    }
  }

  /** Ends every open watch in order, as a time-out does. */
  finishWatches(): void {
    for (const watch of [...this.#watches]) watch.finish();
  }

  /** Answers a request; never rejects. */
  async handle(request: ApiRequest, response: http.ServerResponse): Promise<void> {
    const info = requestInfo(request.method, request.url);
    const subject = info.plural === "" ? info.verb + info.path : `${info.verb} ${qualified(info)}`;
    this.counts.set(subject, (this.counts.get(subject) ?? 0) + 1);
    const { faults } = this.#deps;
    if (faults.take("reset", info)) {
      request.reset();
      return;
    }
    const answer = new Answer(response, info, this.#deps);
    await answer.ready();
    try {
      await this.#serve(request, info, answer, response);
    } catch (error) {
      const failure = error instanceof ApiError ? error : internalError(String(error));
      if (!response.headersSent) {
        answer.send(failure.code, `${JSON.stringify(failure.body)}\n`, failure.headers);
      } else response.destroy();
    }
  }

  async #serve(
    request: ApiRequest,
    info: RequestInfo,
    answer: Answer,
    response: http.ServerResponse,
  ): Promise<void> {
    const { faults, access } = this.#deps;
    const throttle = faults.take("throttle", info);
    if (throttle) {
      const headers = {
        "retry-after": String(throttle.retryAfterSeconds ?? 1),
        "content-type": "text/plain; charset=utf-8",
      };
      answer.send(429, "Too many requests, please try again later.\n", headers);
      return;
    }
    if (faults.take("error", info)) throw internalError("the lab was told to fail");
    const caller = access.authenticate(request.headers.authorization ?? "", request.certificate);
    access.authorize(caller, info);
    if (info.plural === "") this.#servePath(info.path, answer);
    else if (isReview(info)) this.#serveReview(request, info, caller, answer);
    else if (isTokenRequest(info)) this.#serveToken(request, info, answer);
    else if (info.resource === null) throw unknownResource();
    else if (!isServed(this.#deps.objects.store, info.resource)) this.#serveNothing(answer);
    else if (info.verb === "list" || info.verb === "watch") {
      await this.#serveList(request, info, info.resource, answer, response);
    } else await this.#serveObject(request, info, info.resource, answer);
  }

  #servePath(path: string, answer: Answer): void {
    if (HEALTH_PATHS.includes(path)) {
      answer.send(200, "ok", { "content-type": "text/plain; charset=utf-8" });
    } else if (path === "/version") {
      answer.send(200, `${JSON.stringify(VERSION)}\n`);
    } else {
      this.#serveNothing(answer);
    }
  }

  /** What the real server says of paths that nobody serves, those of absent kinds too. */
  #serveNothing(answer: Answer): void {
    const headers = { "content-type": "text/plain; charset=utf-8" };
    answer.send(404, "404 page not found\n", headers);
  }

  #serveReview(request: ApiRequest, info: RequestInfo, caller: Caller, answer: Answer): void {
    if (info.verb !== "create") throw methodNotAllowed();
    const body = parseBody(request.body);
    const result = review(caller, info.plural, body, this.#deps.clock.wallMs());
    answer.send(201, `${JSON.stringify(result)}\n`);
  }

  #serveToken(request: ApiRequest, info: RequestInfo, answer: Answer): void {
    const { objects, clock } = this.#deps;
    const body = parseBody(request.body);
    const { namespace, name } = info;
    const result = requestToken(objects.store, namespace, name, body, clock.wallMs());
    answer.send(201, `${JSON.stringify(result)}\n`);
  }

  async #serveList(
    { url, method }: ApiRequest,
    info: RequestInfo,
    resource: Resource,
    answer: Answer,
    response: http.ServerResponse,
  ): Promise<void> {
    const { objects, clock, faults } = this.#deps;
    if (method !== "GET") throw methodNotAllowed();
    const hasStreamingList = faults.find("no-streaming-list", info) === null;
    const options = parseListOptions(url.searchParams, resource, hasStreamingList);
    const gone = faults.take("gone", info);
    const tooOld = "The resourceVersion for the provided list is too old.";
    if (gone !== null && gone.asEvent !== true) throw expired(tooOld);
    const scope = { resource, namespace: resource.isNamespaced ? info.namespace : "" };
    if (!options.isWatch) {
      answer.send(200, await listText(objects.store, clock, scope, options));
      return;
    }
    const deps = {
      ...{ store: objects.store, clock },
      sendsBookmarks: () => faults.find("no-bookmarks", info) === null,
    };
    const timeoutSeconds = options.timeoutSeconds || WATCH_SECONDS_DEFAULT;
    const watch = new Watch(deps, scope, { ...options, timeoutSeconds }, answer);
    answer.begin(200);
    this.#watches.add(watch);
    const forget = (): void => {
      watch.close();
      this.#watches.delete(watch);
    };
    response.once("close", forget);
    if (response.destroyed) forget();
    else if (gone !== null) watch.fail(expired(tooOld));
    else await watch.start();
  }

  async #serveObject(
    request: ApiRequest,
    info: RequestInfo,
    resource: Resource,
    answer: Answer,
  ): Promise<void> {
    const { objects, clock } = this.#deps;
    const namespace = resource.isNamespaced ? info.namespace : "";
    const at: ObjectName = { kind: resource.kind, namespace, name: info.name };
    const part = partOf(info, resource);
    if (info.name === "" && (info.verb === "update" || info.verb === "patch")) {
      throw methodNotAllowed();
    }
    const send = (code: number, object: Parameters<typeof textOf>[0]): void =>
      answer.send(code, `${textOf(object)}\n`);
    if (info.verb === "get") {
      const version = Number(request.url.searchParams.get("resourceVersion") ?? 0);
      if (version > 0) await untilFresh(objects.store, clock, version);
      send(200, objects.get(at));
    } else if (info.verb === "create") {
      if (info.name !== "" || (resource.isNamespaced && namespace === "")) throw methodNotAllowed();
      send(201, objects.create(resource.kind, namespace, parseBody(request.body)));
    } else if (info.verb === "update") {
      const isNew = objects.store.get(resource.kind, keyText(at, resource)) === undefined;
      send(isNew ? 201 : 200, objects.update(at, parseBody(request.body), part));
    } else if (info.verb === "patch") {
      const type = (request.headers["content-type"] ?? "").split(";", 1)[0]!.trim();
      const types: readonly string[] = PATCH_TYPES;
      if (!types.includes(type)) throw unsupportedMediaType();
      const isStrategic = type === PATCH_TYPES[1];
      if (isStrategic && resource.isCustom) throw unsupportedMediaType();
      send(200, objects.patch(at, parseBody(request.body), { isStrategic, part }));
    } else if (info.verb === "delete") this.#serveDelete(request, at, resource, answer);
    else if (info.verb === "deletecollection") this.#deleteAll(request, at, resource, answer);
    else throw methodNotAllowed();
  }

  #serveDelete(request: ApiRequest, at: ObjectName, resource: Resource, answer: Answer): void {
    const { object, isGone } = this.#deps.objects.delete(at, deleteOptions(request));
    if (!isGone || resource.returnsDeleted) {
      answer.send(200, `${textOf(object)}\n`);
      return;
    }
    const { name, uid } = object.metadata;
    const details = {
      ...{ name, ...(resource.group === "" ? {} : { group: resource.group }) },
      ...{ kind: resource.plural, uid },
    };
    const head = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" };
    answer.send(200, `${JSON.stringify({ ...head, details })}\n`);
  }

  #deleteAll(request: ApiRequest, at: ObjectName, resource: Resource, answer: Answer): void {
    const { objects } = this.#deps;
    const { selector } = parseListOptions(request.url.searchParams, resource, true);
    const options = deleteOptions(request);
    const items = [...objects.store.all(resource.kind)]
      .filter((object) => inNamespace(object, at.namespace) && selector(object))
      .map(({ metadata: { name, namespace = "" } }) => {
        return objects.delete({ kind: resource.kind, namespace, name }, options).object;
      });
    const metadata = { resourceVersion: String(objects.store.revision) };
    const apiVersion = apiVersionOf(resource);
    const list = { kind: `${resource.kind}List`, apiVersion, metadata, items };
    answer.send(200, `${JSON.stringify(list)}\n`);
  }
}

function isTokenRequest({ plural, subresource, verb }: RequestInfo): boolean {
  return plural === "serviceaccounts" && subresource === "token" && verb === "create";
}

function partOf({ subresource, verb }: RequestInfo, resource: Resource): "object" | "status" {
  if (subresource === "") return "object";
  const isServed = subresource === "status" && resource.hasStatus;
  if (!isServed) throw unknownResource();
  if (verb === "create" || verb === "delete") throw methodNotAllowed();
  return "status";
}

function keyText({ namespace, name }: ObjectName, { isNamespaced }: Resource): string {
  return isNamespaced ? `${namespace}/${name}` : name;
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = text === "" ? "it is empty" : (error as Error).message;
    throw badRequest(`the object provided is unrecognized (it must be JSON): ${why}`);
  }
}

/** From the body, and where that says nothing, from the query. */
function deleteOptions({ body, url }: ApiRequest): DeleteOptions {
  const given = asJson(body === "" ? {} : parseBody(body));
  const query = url.searchParams.get("gracePeriodSeconds");
  const grace = given.gracePeriodSeconds ?? (query === null ? null : Number(query));
  const seconds = typeof grace === "number" && Number.isInteger(grace) ? grace : null;
  const { preconditions } = given;
  return {
    gracePeriodSeconds: seconds,
    ...(isJsonObject(preconditions) ? { preconditions } : {}),
  };
}
