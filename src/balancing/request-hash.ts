/**
 * The hash of a call, for policies that send equal calls to the same endpoint: of a request header
 * that its route or the config names, or by chance. gRFCs A42, A76.
 */
import type { Rng } from "../base/index.ts";
import type { PickRequest } from "./policy.ts";
import { Xxh64 } from "./xxh64.ts";

/** Numbers are kept as int32 halves: see `xxh64.ts`. */
const UINT32 = 2 ** 32;

/** Hashes one call after the other; the last hash is in `hi` and `lo`. */
export class RequestHash {
  readonly #header: string | null;
  readonly #rng: Rng;
  readonly #hash = new Xxh64();
  /** The upper half, an int32. */
  hi = 0;
  /** The lower half, an int32. */
  lo = 0;

  /** @param header of calls whose route names none, in lower case; null: they hash by chance. */
  constructor(header: string | null, rng: Rng) {
    this.#header = header;
    this.#rng = rng;
  }

  /** Hashes a call. Whether it was by its header, and not by chance. */
  of(request: PickRequest | null): boolean {
    const header = request?.hashHeader ?? this.#header;
    // "If request_hash_header contains multiple values, then values are joined with a comma `,`
    // character between each value before hashing." (A76)
    const key = header === null || request === null ? null : request.joined(header);
    // "If ... the request has no value or an empty value associated with the header defined, then
    // the picker will generate a random hash for it." (A76)
    if (key === null || key === "") {
      this.hi = this.#rng.int(UINT32) | 0;
      this.lo = this.#rng.int(UINT32) | 0;
      return false;
    }
    this.#hash.text(key);
    this.hi = this.#hash.hi;
    this.lo = this.#hash.lo;
    return true;
  }
}
