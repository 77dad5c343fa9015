/**
 * Lists: which state a list shows, its pages, and its JSON text.
 *
 * The rules are those of the API concepts page ("Resource versions", "Retrieving large results sets
 * in chunks") and of the API server's cacher: no resourceVersion means the latest, "0" any (here
 * the latest too, and without pages), N alone or NotOlderThan at least N, Exact or N with a limit
 * just N. The pages of one list show one state; when history has been compacted meanwhile, 410 with
 * a token that goes on with another.
 */
import { type Clock, isJsonObject } from "../../base/index.ts";
import type { ListOptions } from "./list-options.ts";
import { type ApiObject, keyOf } from "./object.ts";
import { apiVersionOf, type Resource } from "./resources.ts";
import { badRequest, expired, tooLarge } from "./status.ts";
import type { Store } from "./store.ts";

/** How long the server waits for a revision that it has not reached (watch_cache.go). */
export const FRESH_TIMEOUT_MS = 3000;

const LIST_EXPIRED = "The resourceVersion for the provided list is too old.";
const CONTINUE_EXPIRED =
  "The provided continue parameter is too old to display a consistent list result. You can start " +
  "a new list without the continue parameter, or use the continue token in this response to " +
  "retrieve the remainder of the results. Continuing with the provided token results in an " +
  "inconsistent list - objects that were created, modified, or deleted between the time the " +
  "first chunk was returned and now may show up in the list.";

/** Resolves once the store has reached a revision. Rejects with 504 after three seconds. */
export function untilFresh(store: Store, clock: Clock, revision: number): Promise<void> {
  if (store.revision >= revision) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(FRESH_TIMEOUT_MS, () => {
      stop();
      reject(tooLarge(revision, store.revision));
    });
    timer.unref();
    const stop = store.onEvent(() => {
      if (store.revision < revision) return;
      stop();
      timer.cancel();
      resolve();
    });
  });
}

/** What a list is of. */
export interface ListScope {
  readonly resource: Resource;
  /** "" for all namespaces. */
  readonly namespace: string;
}

/** A list as JSON text. Rejects with `ApiError`. */
export async function listText(
  store: Store,
  clock: Clock,
  scope: ListScope,
  options: ListOptions,
): Promise<string> {
  const { resource, namespace } = scope;
  const page = await pageOf(store, clock, options);
  const state = store.at(resource.kind, page.revision);
  if (state === null) throw tooOld(options, page);
  const found = state.filter(
    (object) => page.isAfter(object) && inNamespace(object, namespace) && options.selector(object),
  );
  const shown = page.limit > 0 ? found.slice(0, page.limit) : found;
  const last = shown.at(-1);
  const rest = found.length - shown.length;
  const metadata = {
    resourceVersion: String(page.revision),
    ...(rest > 0 ? { continue: continueAfter(last!, namespace, page.revision) } : {}),
    ...(rest > 0 && options.isWhole ? { remainingItemCount: rest } : {}),
  };
  const kind = `${resource.kind}List`;
  const head = JSON.stringify({ kind, apiVersion: apiVersionOf(resource), metadata });
  return `${head.slice(0, -1)},"items":[${shown.map(itemText).join(",")}]}\n`;
}

/** Whether an object lives in a namespace; "" for all. */
export function inNamespace(object: ApiObject, namespace: string): boolean {
  return namespace === "" || object.metadata.namespace === namespace;
}

/** Which state and which part of it a list shows. */
interface PageChoice {
  readonly revision: number;
  readonly limit: number;
  /** Where the part begins: after this key; "" for the start. */
  readonly after: string;
  isAfter(object: ApiObject): boolean;
}

async function pageOf(store: Store, clock: Clock, options: ListOptions): Promise<PageChoice> {
  const { resourceVersion, match, limit, continueToken } = options;
  if (continueToken !== "") {
    if (resourceVersion !== null && resourceVersion !== 0) {
      throw badRequest("specifying resource version is not allowed when using continue");
    }
    const { revision, after } = decodeContinue(continueToken);
    return {
      ...{ revision: revision < 0 ? store.revision : revision, limit, after },
      isAfter: (object) => relativeKey(object, after) > after,
    };
  }
  const start = { after: "", isAfter: () => true };
  if (resourceVersion === null) return { ...start, revision: store.revision, limit };
  // The cache answers "0", and it does not page then (cacher.go, computeListLimit).
  if (resourceVersion === 0) return { ...start, revision: store.revision, limit: 0 };
  await untilFresh(store, clock, resourceVersion);
  const isExact = match === "Exact" || (match === "" && limit > 0);
  return { ...start, revision: isExact ? resourceVersion : store.revision, limit };
}

function tooOld({ continueToken }: ListOptions, { after }: PageChoice): Error {
  if (continueToken === "") return expired(LIST_EXPIRED);
  return expired(CONTINUE_EXPIRED, { continue: encodeContinue(-1, after) });
}

/**
 * The token of the real server: the revision, and the key relative to the list's, followed by NUL.
 * So the key has the namespace in it only when the list is of all namespaces.
 */
function continueAfter(last: ApiObject, namespace: string, revision: number): string {
  const key = namespace === "" ? keyOf(last.metadata) : last.metadata.name;
  return encodeContinue(revision, key);
}

function encodeContinue(revision: number, after: string): string {
  const token = { v: "meta.k8s.io/v1", rv: revision, start: `${after}\0` };
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

function decodeContinue(text: string): { revision: number; after: string } {
  const bad = (why: string): Error =>
    badRequest(`invalid continue token: continue key is not valid${why}`);
  let token: unknown;
  try {
    token = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch (error) {
    throw bad(`: ${(error as Error).message}`);
  }
  if (!isJsonObject(token) || token.v !== "meta.k8s.io/v1") {
    throw bad(": server does not recognize this encoded version");
  }
  const { rv, start } = token;
  const version = "(version meta.k8s.io/v1)";
  if (typeof rv !== "number" || rv === 0) {
    throw bad(`: incorrect encoded start resourceVersion ${version}`);
  }
  if (typeof start !== "string" || start === "") {
    throw bad(`: encoded start key empty ${version}`);
  }
  return { revision: rv, after: start.replace(/\0$/, "") };
}

function relativeKey({ metadata }: ApiObject, after: string): string {
  return after.includes("/") ? keyOf(metadata) : metadata.name;
}

const ITEMS = new WeakMap<ApiObject, string>();

/** Items of a list do not say their kind: the list does. */
function itemText(object: ApiObject): string {
  let text = ITEMS.get(object);
  if (text === undefined) {
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
    text = JSON.stringify(rest);
    ITEMS.set(object, text);
  }
  return text;
}
