/**
 * The order in which routes of several GRPCRoutes are tried. gateway.networking.k8s.io/v1
 * GRPCRouteRule: "Precedence MUST be given to the rule with the largest number of: characters in a
 * matching non-wildcard hostname, characters in a matching hostname, characters in a matching
 * service, characters in a matching method, header matches"; then the oldest route, the first by
 * "{namespace}/{name}", and the first rule.
 */
import type { CompiledRoute, RuleRoute } from "./rules.ts";
import type { Route } from "./table.ts";

/** A route that takes part, and by which hostname of its own it does. */
export interface Contender {
  readonly compiled: CompiledRoute;
  /** As the route has it, not as it meets the listener's; "" when the route names none. */
  readonly hostname: string;
}

/** All routes of the contenders, in their order of precedence. Independent of the order given. */
export function inOrder(contenders: readonly Contender[]): readonly Route[] {
  // Within one GRPCRoute equal routes stay in its order: sorting is stable.
  const sorted = [...contenders].sort((a, b) => compareObjects(a.compiled, b.compiled));
  const all: Ranked[] = [];
  for (const { compiled, hostname } of sorted) {
    const specificity = specificityOf(hostname);
    for (const of of compiled.routes) all.push({ of, specificity });
  }
  if (all.length > 1) all.sort(compareRoutes);
  return all.map(({ of }) => of.route);
}

/** More first: characters when it is no wildcard, then characters. */
export function specificityOf(hostname: string): readonly number[] {
  return [hostname.startsWith("*") ? 0 : hostname.length, hostname.length];
}

/** Below 0 when `a` is greater: greater comes first. */
export function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return b[i] - a[i];
  return 0;
}

interface Ranked {
  readonly of: RuleRoute;
  readonly specificity: readonly number[];
}

function compareRoutes(a: Ranked, b: Ranked): number {
  return compareNumbers(a.specificity, b.specificity) || compareNumbers(a.of.rank, b.of.rank);
}

/** Older first; one whose age is not said, as in files, after those whose age is. */
function compareObjects(a: CompiledRoute, b: CompiledRoute): number {
  const ageOfA = a.object.metadata.creationTimestamp;
  const ageOfB = b.object.metadata.creationTimestamp;
  if (ageOfA !== ageOfB) {
    if (ageOfA === "" || ageOfB === "") return ageOfA === "" ? 1 : -1;
    return ageOfA < ageOfB ? -1 : 1;
  }
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}
