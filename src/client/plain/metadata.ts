/**
 * Metadata of the plain API: what a caller gives as fields, and what a server sent to look at.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Custom-Metadata"
 *
 * What the protocol itself owns (`isReservedKey`) can be neither given nor seen.
 */
import {
  decodeBinaryValues,
  encodeBinaryValue,
  isBinaryKey,
  isReservedKey,
  metadataKeyProblem,
  metadataValueProblem,
} from "../../grpc/index.ts";
import { type Field, HeaderList, newField } from "../../http2/index.ts";
import { show } from "../core/index.ts";

/** Text, or bytes for keys that end in "-bin". */
export type MetadataValue = string | Uint8Array;

/** Metadata to send: an object, or pairs in order (a `Map`, the `Metadata` of another call). */
export type MetadataInit =
  | Readonly<Record<string, MetadataValue | readonly MetadataValue[]>>
  | Iterable<readonly [key: string, value: MetadataValue]>;

const NEITHER = "metadata must be an object or a list of [key, value] pairs";

/**
 * Fields for what a caller wants to send; null for nothing. Keys are taken in any case.
 *
 * @throws TypeError naming the key, and what it may hold.
 */
export function toFields(given: MetadataInit | undefined): Field[] | null {
  if (given === undefined) return null;
  if (typeof given !== "object" || given === null) throw new TypeError(NEITHER);
  const fields: Field[] = [];
  if (Symbol.iterator in given) {
    for (const pair of given) {
      if (!Array.isArray(pair)) throw new TypeError(NEITHER);
      addField(fields, pair[0], pair[1]);
    }
  } else {
    for (const key in given) {
      const value = given[key]!;
      if (Array.isArray(value)) for (const each of value) addField(fields, key, each);
      else addField(fields, key, value as MetadataValue);
    }
  }
  return fields.length === 0 ? null : fields;
}

function addField(fields: Field[], given: string, value: MetadataValue): void {
  const key = String(given).toLowerCase();
  const problem = metadataKeyProblem(key);
  if (problem !== "") throw new TypeError(`metadata key ${show(given)} ${problem}`);
  if (isBinaryKey(key)) {
    if (!(value instanceof Uint8Array)) {
      throw new TypeError(`metadata ${key} must be a Uint8Array, as its key ends in -bin`);
    }
    fields.push(newField(key, encodeBinaryValue(value)));
    return;
  }
  if (typeof value !== "string") {
    throw new TypeError(`metadata ${key} must be text; a key for bytes ends in -bin`);
  }
  const why = metadataValueProblem(value);
  if (why !== "") throw new TypeError(`metadata ${key} ${why}`);
  fields.push(newField(key, value));
}

/** What a server sent, in its order; never changes. Keys are asked for in lower case. */
export class Metadata {
  static readonly EMPTY = new Metadata(new HeaderList());
  readonly #list: HeaderList;

  /** @internal */
  constructor(list: HeaderList) {
    this.#list = list;
  }

  /** The first value of a key as text (bytes: as base64, as they came); null for none. */
  get(key: string): string | null {
    return isHidden(key) ? null : this.#list.get(key);
  }

  /** All values of a key as text. */
  getAll(key: string): string[] {
    if (isHidden(key)) return [];
    const found = this.#list.fields.filter(({ name }) => name.text === key);
    return found.map(({ value }) => value);
  }

  /** The first value of a key that ends in "-bin"; null for none. */
  getBinary(key: string): Buffer | null {
    return this.getAllBinary(key)[0] ?? null;
  }

  /** All values of a key that ends in "-bin". */
  getAllBinary(key: string): Buffer[] {
    return isBinaryKey(key) ? this.getAll(key).flatMap(decodeBinaryValues) : [];
  }

  /** Every entry; bytes for keys that end in "-bin". */
  *entries(): Generator<[key: string, value: string | Buffer]> {
    for (const { name, value } of this.#list.fields) {
      const key = name.text;
      if (isHidden(key)) continue;
      if (!isBinaryKey(key)) yield [key, value];
      else for (const bytes of decodeBinaryValues(value)) yield [key, bytes];
    }
  }

  [Symbol.iterator](): Generator<[key: string, value: string | Buffer]> {
    return this.entries();
  }

  /** For `JSON.stringify` and logs: bytes in base64. */
  toJSON(): [key: string, value: string][] {
    return [...this.entries()].map(([key, value]) => [
      key,
      typeof value === "string" ? value : value.toString("base64"),
    ]);
  }
}

function isHidden(key: string): boolean {
  return key.charCodeAt(0) === 0x3a || isReservedKey(key);
}
