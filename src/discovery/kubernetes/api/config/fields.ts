/**
 * Fields of a parsed document that a user wrote, read one by one with errors that name the place.
 *
 * It knows nothing of kubeconfig. A field that is missing, null or "" is null: kubectl writes all
 * three for "not set".
 */
import { isAbsolute, join } from "node:path";
import { isJsonObject } from "../../../../base/index.ts";
import { ApiAccessError } from "../error.ts";

/** One mapping of a document. */
export class Fields {
  /** The file that it is from. */
  readonly file: string;
  /** Where in the file: "users[dev].user"; "" for the document itself. */
  readonly path: string;
  readonly #values: Readonly<Record<string, unknown>>;

  /** @throws ApiAccessError when `value` is no mapping. */
  constructor(file: string, path: string, value: unknown) {
    this.file = file;
    this.path = path;
    if (!isJsonObject(value)) {
      throw this.#errorAt(path, "must be a mapping");
    }
    this.#values = value;
  }

  /** A text; null when not set. Numbers and booleans are refused, as kubectl does. */
  text(name: string): string | null {
    const value = this.#values[name] ?? null;
    if (value === null || value === "") return null;
    if (typeof value !== "string") throw this.error(name, "must be a text");
    return value;
  }

  /** A text that must be set. */
  required(name: string): string {
    const text = this.text(name);
    if (text === null) throw this.error(name, "must be set");
    return text;
  }

  /** A boolean; false when not set. */
  flag(name: string): boolean {
    const value = this.#values[name] ?? false;
    if (typeof value !== "boolean") throw this.error(name, "must be true or false");
    return value;
  }

  /** A list of texts; empty when not set. */
  texts(name: string): readonly string[] {
    const value = this.#values[name] ?? [];
    if (!Array.isArray(value) || value.some((one) => typeof one !== "string")) {
      throw this.error(name, "must be a list of texts");
    }
    return value;
  }

  /** A mapping below this one; null when not set. */
  child(name: string): Fields | null {
    const value = this.#values[name] ?? null;
    return value === null ? null : new Fields(this.file, this.#pathOf(name), value);
  }

  /** The names of all fields that are set. */
  get names(): readonly string[] {
    return Object.keys(this.#values).filter((name) => (this.#values[name] ?? null) !== null);
  }

  /** A list of mappings, each with a `name`, by that name; the first of a name counts. */
  named(name: string): ReadonlyMap<string, Fields> {
    const value = this.#values[name] ?? [];
    if (!Array.isArray(value)) throw this.error(name, "must be a list");
    const found = new Map<string, Fields>();
    for (const [index, one] of value.entries()) {
      const itemName = new Fields(this.file, `${name}[${index}]`, one).required("name");
      if (found.has(itemName)) continue;
      found.set(itemName, new Fields(this.file, `${name}[${itemName}]`, one));
    }
    return found;
  }

  /** A path of a file; relative ones begin at this document's directory, as for kubectl. */
  filePath(name: string, directory: string): string | null {
    const path = this.text(name);
    return path === null || isAbsolute(path) ? path : join(directory, path);
  }

  /** Base64 of a text; null when not set. */
  base64(name: string): string | null {
    const text = this.text(name)?.replace(/\s/g, "") ?? null;
    if (text === null) return null;
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) {
      throw this.error(name, "must be base64");
    }
    return Buffer.from(text, "base64").toString("utf8");
  }

  /** The mapping as it was parsed: for what is handed to plugins. */
  get raw(): Readonly<Record<string, unknown>> {
    return this.#values;
  }

  /** An error about a field, as one sentence. */
  error(name: string, what: string): ApiAccessError {
    return this.#errorAt(this.#pathOf(name), what);
  }

  #pathOf(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }

  #errorAt(path: string, what: string): ApiAccessError {
    return new ApiAccessError(`kubeconfig ${this.file}: ${path === "" ? "it" : path} ${what}`);
  }
}
