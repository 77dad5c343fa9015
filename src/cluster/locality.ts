/**
 * Which level an endpoint is in: on our node, in our zone, or elsewhere.
 *
 * The preference is a service config's; where we run and where endpoints are, the source of
 * endpoints knows. Hints of slices win: where they hold, discovery has left only endpoints that are
 * meant for us, and which of them are near was weighed by who gave the hints. Preferring some of
 * these once more would overload them.
 *
 * A source may also group endpoints itself, by priority and locality (EDS): then each group is a
 * level, priorities have shares as levels do, and the groups of one share its calls by weight.
 */

import { type LevelCount, type LevelName, levelShares } from "../balancing/index.ts";
import type { Endpoint, EndpointGroup, EndpointSet, SetPlace } from "../discovery/index.ts";
import type { ServiceConfig } from "./service-config.ts";

const NO_PREFERENCE: readonly LevelName[] = ["any"];

/** See the head of this file. */
export class Locality {
  /** What the config asks for; null: nothing. */
  #wanted: readonly LevelName[] | null = null;
  #place: SetPlace | null = null;
  #levels = NO_PREFERENCE;
  /** Those of the source, by priority; empty when it groups nothing. */
  #groups: readonly EndpointGroup[] = [];
  #groupIndex: ReadonlyMap<string, number> = new Map();
  /** Why what is wanted is not done; null when it is, or nothing is wanted. */
  #refusal: string | null = null;

  /** What `priority` says, else `fairlead.locality`. */
  configure({ balancing, extensions }: ServiceConfig): void {
    const { prefer } = extensions.locality;
    const preferred: readonly LevelName[] | null = prefer === null ? null : [prefer, "any"];
    this.#wanted = balancing.priority?.priorities ?? preferred;
    this.#settle();
  }

  /** Where the source of endpoints says that we are, and how it groups them. */
  setSource({ place, endpoints }: Pick<EndpointSet, "place" | "endpoints">): void {
    this.#place = place ?? null;
    this.#setGroups(endpoints);
    this.#settle();
  }

  #setGroups(endpoints: readonly Endpoint[]): void {
    const byKey = new Map<string, EndpointGroup>();
    for (const { group } of endpoints) if (group !== null) byKey.set(keyOf(group), group);
    this.#groups = [...byKey.values()].sort((a, b) => a.priority - b.priority);
    this.#groupIndex = new Map(this.#groups.map((group, i) => [keyOf(group), i]));
  }

  /** Whether the source groups its endpoints, so that levels are groups. */
  get #isGrouped(): boolean {
    return this.#groups.length > 0;
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
    if (this.#isGrouped) return "the source of endpoints groups them by priority and locality";
    if (this.#place === null) return "the source of endpoints does not say where they are";
    const { hints } = this.#place;
    if (hints !== null) return `${hints} hints hold: every endpoint here is meant for us`;
    const near = wanted.filter((level) => level !== "any");
    if (near.length === 0 || near.some((level) => this.#isKnown(level))) return null;
    return `our ${near.join(" and our ")} ${near.length === 1 ? "is" : "are"} not known`;
  }

  /** How many levels there are, from near to far: one without a preference. */
  get levelCount(): number {
    return this.#isGrouped ? this.#groups.length : this.#levels.length;
  }

  /**
   * The share of calls of each level, together 1 or all 0: see `levelShares`. Groups of a priority
   * share what it gets by weight, as far as they have something to pick.
   */
  sharesOf(levels: readonly LevelCount[], overprovisioning: number): number[] {
    if (!this.#isGrouped) return levelShares(levels, overprovisioning);
    const priorities = new Map<number, { available: number; total: number; weight: number }>();
    for (const [i, { available, total }] of levels.entries()) {
      const { priority, weight } = this.#groups[i]!;
      const sum = priorities.get(priority) ?? { available: 0, total: 0, weight: 0 };
      sum.available += available;
      sum.total += total;
      if (available > 0) sum.weight += weight;
      priorities.set(priority, sum);
    }
    const shares = levelShares([...priorities.values()], overprovisioning);
    const byPriority = new Map([...priorities.keys()].map((key, i) => [key, shares[i]!]));
    return levels.map(({ available }, i) => {
      const { priority, weight } = this.#groups[i]!;
      if (available === 0) return 0;
      return (byPriority.get(priority)! * weight) / priorities.get(priority)!.weight;
    });
  }

  /** The place of an endpoint's level in `levels`. */
  levelOf({ node, zone, group }: Endpoint): number {
    if (this.#isGrouped) return group === null ? 0 : (this.#groupIndex.get(keyOf(group)) ?? 0);
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
    if (this.#isGrouped) {
      const { priority, name: place } = this.#groups[level]!;
      return place === "" ? `priority ${priority}` : `priority ${priority}, ${place}`;
    }
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

function keyOf({ priority, name }: EndpointGroup): string {
  return `${priority} ${name}`;
}
