/**
 * Readers of the fields of one JSON value: each yields the checked value or throws `Malformed`
 * with the field's path and what is allowed. Null is the same as absent, as the Kubernetes API has
 * it.
 *
 * For the checks in this folder only, which catch what is thrown here.
 */
import { isIPv4, isIPv6 } from "node:net";
import { isJsonObject, type Json } from "../../base/index.ts";
import { canonicalIPv6 } from "../ipv6.ts";

/** A field is not as it must be. The message begins with its path and is one clause. */
export class Malformed extends Error {
  override readonly name = "Malformed";
  /** Of the field: "endpoints[0].addresses"; "" for the object as a whole. */
  readonly path: string;

  /** @param reason what is wrong, to be read after the path. */
  constructor(path: string, reason: string) {
    super(path === "" ? `it ${reason}` : `${path} ${reason}`);
    this.path = path;
  }
}

/** A JSON object whose fields are not known yet. */
export type Fields = Json;

/** Longest name: RFC 1123 subdomain, which names of objects, nodes and uids keep to. */
export const NAME_CHARS_MAX = 253;
/** Of what stands in a problem, so that a name of 1 MiB does not fill the log. */
const SHOWN_CHARS_MAX = 64;

const SUBDOMAIN = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;
/** A DNS label (RFC 1123), as names of Services, namespaces and ports are. */
export const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const PRINTABLE = /^[\x20-\x7e]*$/;

/** A value as it stands in a problem: JSON, cut when it is long. */
export function shown(value: unknown): string {
  if (typeof value === "string" && value.length > SHOWN_CHARS_MAX) {
    return `${JSON.stringify(value.slice(0, SHOWN_CHARS_MAX))}... (${value.length} characters)`;
  }
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return String(JSON.stringify(value));
}

/** Throws: `path` is `value`, and must be what `allowed` says. */
export function refuse(path: string, value: unknown, allowed: string): never {
  const isMissing = value === undefined || value === null;
  const found = isMissing && path !== "" ? "missing" : shown(value);
  throw new Malformed(path, `is ${found}, must be ${allowed}`);
}

/** A JSON object; an empty one when it is absent. */
export function fieldsOf(value: unknown, path: string): Fields {
  if (value === undefined || value === null) return NO_FIELDS;
  return isJsonObject(value) ? value : refuse(path, value, "an object");
}
const NO_FIELDS: Fields = Object.freeze({});

/** A list; an empty one when it is absent. */
export function listOf(value: unknown, path: string, countMax: number): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return refuse(path, value, "a list");
  if (value.length <= countMax) return value;
  throw new Malformed(path, `has ${value.length} entries, at most ${countMax} are allowed`);
}

/** Printable text of at most 253 characters; `absent` when there is none. */
export function textOf<T>(value: unknown, path: string, absent: T): string | T {
  if (value === undefined || value === null) return absent;
  const isText =
    typeof value === "string" && value.length <= NAME_CHARS_MAX && PRINTABLE.test(value);
  return isText ? value : refuse(path, value, `printable text of up to ${NAME_CHARS_MAX}`);
}

/** One of these words; `absent` when there is none. */
export function wordOf<W extends string>(
  value: unknown,
  path: string,
  words: readonly W[],
  absent: W | null,
): W {
  if ((value === undefined || value === null) && absent !== null) return absent;
  // The word from our list, so that thousands of objects share one string.
  return words.find((word) => word === value) ?? refuse(path, value, words.join(" or "));
}

/** The name of an object or a node (RFC 1123 subdomain). */
export function nameOf(value: unknown, path: string): string {
  const isName =
    typeof value === "string" && value.length <= NAME_CHARS_MAX && SUBDOMAIN.test(value);
  return isName ? value : refuse(path, value, "a name (RFC 1123 subdomain)");
}

/** The name of a namespace or a port (RFC 1123 label). */
export function labelOf(value: unknown, path: string): string {
  const isLabel = typeof value === "string" && LABEL.test(value);
  return isLabel ? value : refuse(path, value, "a name of up to 63 of a-z, 0-9 and -");
}

/** A port number. */
export function portOf(value: unknown, path: string): number {
  const isPort = Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535;
  return isPort ? (value as number) : refuse(path, value, "a port from 1 to 65535");
}

/** True, false, or null when it is absent: the reader says what nil means. */
export function flagOf(value: unknown, path: string): boolean | null {
  if (value === undefined || value === null) return null;
  return typeof value === "boolean" ? value : refuse(path, value, "true or false");
}

/**
 * An IP address in canonical form, so that two spellings of one address are one endpoint.
 * Loopback is allowed, unlike in a real cluster: clusters on one machine live there.
 */
export function addressOf(value: unknown, path: string, type: "IPv4" | "IPv6"): string {
  const isOne = typeof value === "string" && (type === "IPv4" ? isIPv4(value) : isIPv6(value));
  if (!isOne || value.includes("%")) return refuse(path, value, `an ${type} address`);
  const address = type === "IPv4" ? value : canonicalIPv6(value);
  if (address !== "0.0.0.0" && address !== "::") return address;
  return refuse(path, value, "an address that can be connected to");
}
