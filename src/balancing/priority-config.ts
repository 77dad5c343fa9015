/**
 * The config of `priority`, and the preference for what is near: fields, defaults and bounds.
 * gRFC A56; https://github.com/grpc/proposal/blob/master/A56-priority-lb-policy.md
 *
 * A56's children are any clusters, named at will. Ours are all of one cluster, so that their names
 * say which endpoints they have, and they share one policy: whoever wants two has two targets.
 */
import { isJsonObject } from "../base/index.ts";
import {
  checkNames,
  type Fields,
  fieldsAt,
  listAt,
  numberWithin,
  refuse,
  ServiceConfigError,
} from "../grpc/index.ts";
import type { Balancing } from "./policy.ts";
import { LEVELS, type LevelName } from "./priority.ts";

/**
 * @param fields of the policy's object.
 * @param parseChild makes of a child's `config` what it says.
 * @returns what all children say, with the levels.
 * @throws ServiceConfigError
 */
export function parsePriority(
  fields: Fields,
  path: string,
  parseChild: (list: unknown, path: string) => Balancing,
): Balancing {
  const priorities = prioritiesAt(fields.priorities, `${path}.priorities`);
  const children = fieldsAt(fields.children, `${path}.children`);
  let first: { readonly path: string; readonly text: string } | null = null;
  let balancing: Balancing | null = null;
  for (const name of priorities) {
    // A56: each name of "priorities" must be one of "children"
    const childPath = `${path}.children.${name}`;
    const { config } = fieldsAt(children[name], childPath);
    const child = parseChild(config, `${childPath}.config`);
    const text = canonical(config);
    if (first !== null && text !== first.text) {
      const why = `differs from ${first.path}: all levels have the same policy here`;
      throw new ServiceConfigError(`${childPath}.config`, why);
    }
    first ??= { path: `${childPath}.config`, text };
    balancing ??= child;
  }
  return { ...balancing!, priority: { priorities } };
}

function prioritiesAt(value: unknown, path: string): LevelName[] {
  const names = listAt(value, path);
  let next = 0;
  for (const [i, name] of names.entries()) {
    const at = LEVELS.indexOf(name as LevelName);
    if (at < 0) refuse(`${path}[${i}]`, name, `one of ${LEVELS.join(", ")}`);
    if (at < next) refuse(`${path}[${i}]`, name, "farther than the one before it");
    next = at + 1;
  }
  // Otherwise endpoints elsewhere would never be used, not even when all others are gone.
  if (names.at(-1) !== "any") refuse(path, value, 'a list that ends with "any"');
  return names as LevelName[];
}

/** JSON with the keys of objects in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    isJsonObject(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** What is preferred, and when health is no longer asked for. */
export interface LocalityConfig {
  /** Null: no preference, unless `priority` has one. */
  readonly prefer: "zone" | "node" | null;
  /** With a smaller share of healthy endpoints than this, all that are connected are used. */
  readonly panicThresholdPercent: number;
  /** A level keeps all its calls until its healthy share x this is below 100 %. */
  readonly overprovisioningPercent: number;
}

/** Envoy's figures. */
const DEFAULT_LOCALITY: LocalityConfig = {
  prefer: null,
  panicThresholdPercent: 50,
  overprovisioningPercent: 140,
};

type PercentName = "panicThresholdPercent" | "overprovisioningPercent";

const OVERPROVISIONING_PERCENT_MAX = 10_000;

/**
 * @param path of the object, for errors.
 * @returns Envoy's figures and no preference when there is no object.
 * @throws ServiceConfigError
 */
export function parseLocality(value: unknown, path: string): LocalityConfig {
  if (value === undefined || value === null) return DEFAULT_LOCALITY;
  const fields = fieldsAt(value, path);
  checkNames(fields, Object.keys(DEFAULT_LOCALITY), path);
  const { prefer = null } = fields;
  if (prefer !== null && prefer !== "zone" && prefer !== "node") {
    refuse(`${path}.prefer`, prefer, '"zone" or "node"');
  }
  const percentAt = (name: PercentName, min: number, max: number): number =>
    numberWithin(fields[name] ?? DEFAULT_LOCALITY[name], `${path}.${name}`, min, max);
  return {
    prefer,
    panicThresholdPercent: percentAt("panicThresholdPercent", 0, 100),
    overprovisioningPercent: percentAt(
      "overprovisioningPercent",
      100,
      OVERPROVISIONING_PERCENT_MAX,
    ),
  };
}
