/**
 * The version of a set of resources, kept up while the set changes: the sum of what its members
 * hash to. Equal sets have equal versions, on every replica and in whatever order they came to be.
 *
 * For `version_info`, which clients compare and show. It is no proof against forgery.
 */
import { createHash } from "node:crypto";
import type { Resource } from "../resources.ts";

const hashes = new WeakMap<Resource, readonly [number, number]>();

function hashOf(resource: Resource): readonly [number, number] {
  let known = hashes.get(resource);
  if (known === undefined) {
    const digest = createHash("sha256").update(`${resource.name}\0${resource.version}`).digest();
    known = [digest.readUInt32LE(0), digest.readUInt32LE(4)];
    hashes.set(resource, known);
  }
  return known;
}

/** See the head of this file. */
export class Digest {
  #low = 0;
  #high = 0;

  /** A resource came to the set. */
  add(resource: Resource): void {
    const [low, high] = hashOf(resource);
    this.#low = (this.#low + low) >>> 0;
    this.#high = (this.#high + high) >>> 0;
  }

  /** It left the set. */
  remove(resource: Resource): void {
    const [low, high] = hashOf(resource);
    this.#low = (this.#low - low) >>> 0;
    this.#high = (this.#high - high) >>> 0;
  }

  /** 16 hexadecimal digits. */
  get text(): string {
    return [this.#high, this.#low].map((n) => n.toString(16).padStart(8, "0")).join("");
  }
}
