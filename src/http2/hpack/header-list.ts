/**
 * A header list: the fields of one block, in order, with what the engine must know of them. RFC
 * 9113 §8.
 *
 * Lists are never changed once they are built, so that one list object can stand for every equal
 * block and an encoder can keep
 * its wire form. What is wrong with a list is found once, by `headers/validate.ts`.
 */

import { assert } from "../../base/index.ts";
import { canonicalField, type Field, newField } from "./field.ts";
import { NameKind } from "./name.ts";

/** An ordered list of header fields. */
export class HeaderList {
  readonly fields: Field[] = [];
  /** Name + value + 32 over all fields. RFC 9113 §6.5.2. */
  sizeBytes = 0;
  /** An upper bound of the encoded block: literals with their lengths, and two size updates. */
  wireBytesMax = 16;
  /** Decoding stopped keeping fields because a limit was reached. */
  isTooLarge = false;
  /** It came from or went into a block cache: worth an encoder's memory. */
  isRepeated = false;
  /** A null means: not checked yet; else the problem, or "" for none. See `headers/validate.ts`. */
  requestProblem: string | null = null;
  responseProblem: string | null = null;
  trailersProblem: string | null = null;
  /** Facts for whoever has them; set by `add`, the first field of its kind. */
  method: Field | null = null;
  scheme: Field | null = null;
  authority: Field | null = null;
  path: Field | null = null;
  status: Field | null = null;
  host: Field | null = null;
  contentLength: Field | null = null;
  contentType: Field | null = null;
  grpcTimeout: Field | null = null;
  grpcStatus: Field | null = null;
  /** The first thing that `add` saw to be malformed, or "". */
  problem = "";
  #isRegularSeen = false;

  /** Appends a field while the list is being built. */
  add(field: Field): void {
    this.fields.push(field);
    this.sizeBytes += field.sizeBytes;
    this.wireBytesMax += field.rawEnd - field.rawStart + field.name.wire.length + 16;
    const { kind } = field.name;
    if (field.isBadValue) this.#fail("a header value holds a forbidden character");
    if (kind === NameKind.REGULAR) this.#isRegularSeen = true;
    else this.#addKnown(kind, field);
  }

  #addKnown(kind: number, field: Field): void {
    if (kind <= NameKind.UNKNOWN_PSEUDO) {
      this.#addPseudo(kind, field);
      return;
    }
    this.#isRegularSeen = true;
    switch (kind) {
      case NameKind.CONNECTION_SPECIFIC:
        this.#fail("a connection-specific header field");
        break;
      case NameKind.TE:
        if (field.value !== "trailers") this.#fail("te with a value other than trailers");
        break;
      case NameKind.HOST:
        if (this.host !== null) this.#fail("more than one host");
        this.host = field;
        break;
      case NameKind.CONTENT_LENGTH:
        if (this.contentLength !== null && this.contentLength.value !== field.value) {
          this.#fail("content-length values that differ");
        }
        this.contentLength = field;
        break;
      case NameKind.CONTENT_TYPE:
        this.contentType ??= field;
        break;
      case NameKind.GRPC_TIMEOUT:
        this.grpcTimeout ??= field;
        break;
      case NameKind.GRPC_STATUS:
        this.grpcStatus ??= field;
        break;
      default:
        this.#fail("a header name that is empty, in upper case, or not a token");
    }
  }

  /** RFC 9113 §8.3: defined for the message, once each, before all regular fields. */
  #addPseudo(kind: number, field: Field): void {
    if (this.#isRegularSeen) this.#fail("a pseudo-header after a regular header");
    switch (kind) {
      case NameKind.METHOD:
        if (this.method !== null) this.#fail("more than one :method");
        this.method = field;
        break;
      case NameKind.SCHEME:
        if (this.scheme !== null) this.#fail("more than one :scheme");
        this.scheme = field;
        break;
      case NameKind.AUTHORITY:
        if (this.authority !== null) this.#fail("more than one :authority");
        this.authority = field;
        break;
      case NameKind.PATH:
        if (this.path !== null) this.#fail("more than one :path");
        this.path = field;
        break;
      case NameKind.STATUS:
        if (this.status !== null) this.#fail("more than one :status");
        this.status = field;
        break;
      default:
        this.#fail("an unknown pseudo-header");
    }
  }

  #fail(problem: string): void {
    if (this.problem === "") this.problem = problem;
  }

  /** The value of the first field called `name`, or null. */
  get(name: string): string | null {
    for (const field of this.fields) if (field.name.text === name) return field.value;
    return null;
  }

  /** The values of all fields called `name`, joined by ","; null when there is none. */
  joined(name: string): string | null {
    let joined: string | null = null;
    for (const field of this.fields) {
      if (field.name.text !== name) continue;
      joined = joined === null ? field.value : `${joined},${field.value}`;
    }
    return joined;
  }

  /** A copy in which `field` stands in the place of `old`. */
  replacing(old: Field, field: Field): HeaderList {
    const list = new HeaderList();
    for (const each of this.fields) list.add(each === old ? field : each);
    return list;
  }

  /** Names and values as text, in order: for logs, tests and public interfaces. */
  toPairs(): [string, string][] {
    return this.fields.map((field) => [field.name.text, field.value]);
  }
}

/** A list made here from [name, value] pairs; names in lower case. */
export function headerList(pairs: readonly (readonly [string, string])[]): HeaderList {
  const list = new HeaderList();
  for (const [name, value] of pairs) list.add(newField(name, value));
  return list;
}

/** Shared lists that are kept; then the collection starts anew. */
const SHARED_LISTS_MAX = 1_024;
/** A larger list is not shared: peers choose what is kept here, so it is bounded in bytes too. */
const SHARED_LIST_BYTES_MAX = 4_096;

const shared = new Map<string, HeaderList>();

/**
 * The one shared list with these fields, for a list that repeats: equal blocks of all connections
 * then are one object, whose wire form each encoder keeps. Its fields are canonical, so it pins no
 * buffer. Null is returned for a list that is not shared: a very large one, one with a field that
 * must never be indexed, and one that is malformed, whose text could pass for that of another list
 * (NUL stands between the parts of the key, and only malformed fields hold one).
 */
export function sharedList(list: HeaderList): HeaderList | null {
  if (list.problem !== "" || list.sizeBytes > SHARED_LIST_BYTES_MAX) return null;
  let key = "";
  for (const field of list.fields) {
    if (field.isNever) return null;
    key += `${field.name.text}\0${field.value}\0`;
  }
  const known = shared.get(key);
  if (known !== undefined) return known;
  const own = new HeaderList();
  for (const field of list.fields) own.add(canonicalField(field));
  own.isRepeated = true;
  if (shared.size >= SHARED_LISTS_MAX) shared.clear();
  shared.set(key, own);
  return own;
}

/** A shared list made here from [name, value] pairs: for answers that are given again and again. */
export function constantList(pairs: readonly (readonly [string, string])[]): HeaderList {
  const list = sharedList(headerList(pairs));
  assert(list !== null, "a list from text has no never-indexed field");
  return list;
}
