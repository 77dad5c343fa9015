/**
 * Which level an endpoint is in: on our node, in our zone, or elsewhere.
 *
 * The preference is a service config's; where we run and where endpoints are, the source of
 * endpoints knows. Hints of slices win: where they hold, discovery has left only endpoints that are
 * meant for us, and which of them are near was weighed by who gave the hints. Preferring some of
 * these once more would overload them.
 */

import type { LevelName } from "../balancing/index.ts";
import type { Endpoint, SetPlace } from "../discovery/index.ts";
import type { ServiceConfig } from "./service-config.ts";

const NO_PREFERENCE: readonly LevelName[] = ["any"];

/** See the head of this file. */
export class Locality {
  /** What the config asks for; null: nothing. */
  #wanted: readonly LevelName[] | null = null;
  #place: SetPlace | null = null;
  #levels = NO_PREFERENCE;
  /** Why what is wanted is not done; null when it is, or nothing is wanted. */
  #refusal: string | null = null;

  /** What `priority` says, else `fairlead.locality`. */
  configure({ balancing, extensions }: ServiceConfig): void {
    const { prefer } = extensions.locality;
    const preferred: readonly LevelName[] | null = prefer === null ? null : [prefer, "any"];
    this.#wanted = balancing.priority?.priorities ?? preferred;
    this.#settle();
  }

  /** Where the source of endpoints says that we are; null when it does not. */
  setPlace(place: SetPlace | null): void {
    this.#place = place;
    this.#settle();
  }

  #settle(): void {
    const wanted = this.#wanted ?? NO_PREFERENCE;
    this.#refusal = this.#wanted === null ? null : this.#refusalOf(wanted);
    const isApplied = this.#refusal === null;
    this.#levels = isApplied ? wanted.filter((level) => this.#isKnown(level)) : NO_PREFERENCE;
  }

  #isKnown(level: LevelName): boolean {
    return level === "any" || (this.#place !== null && this.#place[level] !== null);
  }

  #refusalOf(wanted: readonly LevelName[]): string | null {
    if (this.#place === null) return "the source of endpoints does not say where they are";
    const { hints } = this.#place;
    if (hints !== null) return `${hints} hints hold: every endpoint here is meant for us`;
    const near = wanted.filter((level) => level !== "any");
    if (near.length === 0 || near.some((level) => this.#isKnown(level))) return null;
    return `our ${near.join(" and our ")} ${near.length === 1 ? "is" : "are"} not known`;
  }

  /** The levels that there are, from near to far: one without a preference. */
  get levels(): readonly LevelName[] {
    return this.#levels;
  }

  /** The place of an endpoint's level in `levels`. */
  levelOf({ node, zone }: Endpoint): number {
    const levels = this.#levels;
    if (levels.length === 1) return 0;
    const own = { node, zone };
    const found = levels.findIndex(
      (level) => level === "any" || own[level] === this.#place![level],
    );
    return found;
  }

  /** A level in words: "zone eu-1a", "elsewhere". */
  nameOf(level: number): string {
    const name = this.#levels[level]!;
    if (name !== "any") return `${name} ${this.#place![name]}`;
    return this.#levels.length === 1 ? "anywhere" : "elsewhere";
  }

  /** What is wanted and why it is not done, for people; null when there is nothing to tell. */
  get refusal(): string | null {
    if (this.#refusal === null) return null;
    return `preference for ${this.#wanted!.join(", ")} not applied: ${this.#refusal}`;
  }
}
