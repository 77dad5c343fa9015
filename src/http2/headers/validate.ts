/**
 * What makes a header list malformed, as a request, a response or trailers. RFC 9113 §8.1-8.3.
 *
 * Each answer is "" for a good list or one clause that names the fault, kept with the list: a list
 * that repeats is checked once. What `HeaderList.add` saw (names, values, order, doubles) counts
 * for all three.
 */

import type { Field } from "../hpack/field.ts";
import type { HeaderList } from "../hpack/header-list.ts";
import { NameKind } from "../hpack/name.ts";

/**
 * Nothing that a URI reference cannot hold may stand in a path: no space, control, `#` or
 * non-ASCII.
 */
const PATH = /^[!-"$-~]+$/;
const AUTHORITY = /^[!-~]*$/;
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+\-.]*$/;
const DIGITS = /^[0-9]{1,15}$/;
const STATUS = /^[1-5][0-9][0-9]$/;

/** The fault of `list` as a request, or "". RFC 9113 §8.3.1. */
export function requestProblem(list: HeaderList): string {
  list.requestProblem ??= findRequestProblem(list);
  return list.requestProblem;
}

/** The fault of `list` as a response or an informational response, or "". RFC 9113 §8.3.2. */
export function responseProblem(list: HeaderList): string {
  list.responseProblem ??= findResponseProblem(list);
  return list.responseProblem;
}

/** The fault of `list` as trailers, or "". RFC 9113 §8.1: no pseudo-headers there. */
export function trailersProblem(list: HeaderList): string {
  list.trailersProblem ??= findTrailersProblem(list);
  return list.trailersProblem;
}

function findRequestProblem(list: HeaderList): string {
  if (list.problem !== "") return list.problem;
  if (list.status !== null) return ":status in a request";
  if (list.method === null) return "no :method";
  const methodProblem = grammarProblem(list.method);
  if (methodProblem !== "") return methodProblem;
  const hostProblem = authorityProblem(list);
  if (hostProblem !== "") return hostProblem;
  if (list.method.value === "CONNECT") {
    // RFC 9113 §8.5: :authority alone.
    if (list.scheme !== null || list.path !== null) return "CONNECT with :scheme or :path";
    if (list.authority === null) return "CONNECT without :authority";
  } else {
    if (list.scheme === null) return "no :scheme";
    const schemeProblem = grammarProblem(list.scheme);
    if (schemeProblem !== "") return schemeProblem;
    if (list.path === null) return "no :path";
    const problem = pathProblem(list.path, list.method);
    if (problem !== "") return problem;
  }
  return lengthProblem(list);
}

const BAD_PATH = "a :path that does not begin with / or holds a forbidden character";

function pathProblem(path: Field, method: Field): string {
  if (path.value === "*") return method.value === "OPTIONS" ? "" : BAD_PATH;
  return grammarProblem(path);
}

/** What the name alone asks of a value. Kept with the field: most fields come again and again. */
function grammarProblem(field: Field): string {
  field.grammarProblem ??= findGrammarProblem(field);
  return field.grammarProblem;
}

function findGrammarProblem({ name, value }: Field): string {
  switch (name.kind) {
    case NameKind.METHOD:
      return METHOD.test(value) ? "" : "a :method that is not a token";
    case NameKind.SCHEME:
      return SCHEME.test(value) ? "" : "a :scheme that is not one";
    case NameKind.PATH:
      return value.charCodeAt(0) === 0x2f && PATH.test(value) ? "" : BAD_PATH;
    case NameKind.AUTHORITY:
      if (!AUTHORITY.test(value)) return "an :authority with a forbidden character";
      return value.includes("@") ? "an :authority with userinfo" : "";
    default:
      return "";
  }
}

/** RFC 9113 §8.3.1: no userinfo, and `host` says the same as `:authority`. */
function authorityProblem(list: HeaderList): string {
  const { authority, host } = list;
  if (authority !== null) {
    const problem = grammarProblem(authority);
    if (problem !== "") return problem;
  }
  if (host !== null) {
    if (host.value.includes("@")) return "a host with userinfo";
    if (authority !== null && !isSameHost(authority, host)) return "host differs from :authority";
  }
  return "";
}

function isSameHost(a: Field, b: Field): boolean {
  return a.value.toLowerCase() === b.value.toLowerCase();
}

function lengthProblem(list: HeaderList): string {
  const { contentLength } = list;
  return contentLength === null || DIGITS.test(contentLength.value)
    ? ""
    : "a content-length that is not a number";
}

function findResponseProblem(list: HeaderList): string {
  if (list.problem !== "") return list.problem;
  if (list.status === null) return "no :status";
  if (!STATUS.test(list.status.value)) return "a :status that is not one";
  // RFC 9113 §8.6: HTTP/2 has no 101.
  if (list.status.value === "101") return "status 101";
  if (list.method !== null || list.scheme !== null || list.path !== null) {
    return "a request's pseudo-header in a response";
  }
  if (list.authority !== null) return ":authority in a response";
  return lengthProblem(list);
}

function findTrailersProblem(list: HeaderList): string {
  if (list.problem !== "") return list.problem;
  const isPseudo =
    list.method !== null ||
    list.scheme !== null ||
    list.path !== null ||
    list.authority !== null ||
    list.status !== null;
  return isPseudo ? "a pseudo-header in trailers" : "";
}

/** The announced length of a body in bytes, or -1 when it is not announced. */
export function announcedLength(list: HeaderList): number {
  return list.contentLength === null ? -1 : Number(list.contentLength.value);
}

/** Whether a response announces a body that does not come: 204 and 304. RFC 9110 §8.6. */
export function isBodiless(list: HeaderList): boolean {
  const status = list.status?.value;
  return status === "204" || status === "304";
}

/** Whether a response is informational (1xx). RFC 9110 §15.2. */
export function isInformational(list: HeaderList): boolean {
  return list.status !== null && list.status.value.charCodeAt(0) === 0x31;
}
