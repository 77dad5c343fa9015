/**
 * What can stand around a policy in `loadBalancingConfig`: `outlier_detection`, `random_subsetting`
 * and `priority`, nested in each other in any order, each at most once.
 *
 * The order makes no difference here: a subset is taken first, then outliers are looked for among
 * its endpoints, then they are split into levels.
 */
import { unreachable } from "../base/index.ts";
import { fieldsAt, ServiceConfigError } from "../grpc/index.ts";
import { parseOutlierDetection } from "./outlier-config.ts";
import type { Balancing, Policy } from "./policy.ts";
import { parsePriority } from "./priority-config.ts";
import { parseSubsetting } from "./subsetting.ts";

/** A policy with nothing around it. */
export function plainBalancing(policy: Policy): Balancing {
  return { policy, outlierDetection: null, subsetting: null, priority: null };
}

/** Their names, for errors. */
export const AROUND_NAMES = ["outlier_detection", "random_subsetting", "priority"] as const;

type AroundName = (typeof AROUND_NAMES)[number];

/**
 * Makes of a list of policies what it says. `seen`: what stands around it already.
 *
 * @throws ServiceConfigError or PolicyError
 */
export type ParseChild = (list: unknown, path: string, seen: readonly string[]) => Balancing;

/**
 * What an entry of a list of policies says, or null when its name is none of `AROUND_NAMES`, with
 * or without `_experimental`.
 *
 * @param value beside that name, after `JSON.parse`, and `path` where it stands, for errors.
 * @param seen what stands around the entry: nothing twice, and so the nesting has an end.
 * @throws ServiceConfigError
 */
export function tryParseAround(
  entryName: string,
  value: unknown,
  path: string,
  seen: readonly string[],
  parseChild: ParseChild,
): Balancing | null {
  const name = entryName.replace(/_experimental$/, "") as AroundName;
  if (!AROUND_NAMES.includes(name)) return null;
  if (seen.includes(name)) {
    throw new ServiceConfigError(path, `is ${name} again: it may stand around a policy once`);
  }
  const fields = fieldsAt(value, path);
  const within = [...seen, name];
  const child = () => parseChild(fields.childPolicy, `${path}.childPolicy`, within);
  switch (name) {
    case "outlier_detection": {
      const outlierDetection = parseOutlierDetection(fields, path);
      return { ...child(), outlierDetection };
    }
    case "random_subsetting": {
      const subsetting = parseSubsetting(fields, path);
      return { ...child(), subsetting };
    }
    case "priority":
      return parsePriority(fields, path, (list, at) => parseChild(list, at, within));
    default:
      return unreachable(name);
  }
}
