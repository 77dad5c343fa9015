/**
 * One GRPCRoute between evaluations: what it compiled to and what was judged of it, kept as long as
 * what they were made of is the same. So a route that a change does not touch costs a few
 * comparisons, and its results stay the same objects.
 */
import type { BackendRef, GRPCRoute, ObjectRef, ParentRef, Service } from "../discovery/index.ts";
import { Backends } from "./backends.ts";
import {
  CONTROLLER_NAME,
  type Fault,
  type JudgedCondition,
  type JudgedParent,
  judged,
} from "./conditions.ts";
import type { Grants, RouteObjects } from "./route-objects.ts";
import { type CompiledRoute, compileRoute } from "./rules.ts";

/** What it compiled to for some parents, and what of. */
interface Compilation {
  readonly grants: Grants;
  /** In the order of `#serviceKeys`. */
  readonly services: readonly (Service | undefined)[];
  /** What its backends came to: names of clusters, and what is wrong with them. */
  readonly found: readonly (string | undefined)[];
  readonly value: CompiledRoute;
}

/** What was judged of it at one parent, and what of. */
interface Judgement {
  readonly compiled: CompiledRoute;
  readonly fault: Fault | null;
  readonly value: JudgedParent;
}

/** See the head of this file. */
export class KeptRoute {
  readonly route: GRPCRoute;
  /** "namespace/name" of its parents, in their order. */
  readonly parentKeys: readonly string[];
  readonly #serviceKeys: readonly string[];
  /** By `ownService` of `Backends`; "" for null. */
  readonly #compilations = new Map<string, Compilation>();
  /** By the index of the parent; null: it is none of ours. */
  readonly #judgements: (Judgement | null)[];
  #judged: readonly JudgedParent[] = [];

  constructor(route: GRPCRoute) {
    this.route = route;
    const { namespace } = route.metadata;
    const keyFor = (ref: ObjectRef): string => `${ref.namespace ?? namespace}/${ref.name}`;
    this.parentKeys = route.parentRefs.map(keyFor);
    this.#serviceKeys = backendsOf(route).map(keyFor);
    this.#judgements = route.parentRefs.map(() => null);
  }

  /** @param ownService as `Backends` has it. */
  compiled(ownService: string | null, objects: RouteObjects, grants: Grants): CompiledRoute {
    const key = ownService ?? "";
    const last = this.#compilations.get(key);
    if (last !== undefined && this.#isCurrent(last, objects, grants)) return last.value;
    const backends = new Backends(this.route, objects, grants, ownService);
    const found = backendsOf(this.route).flatMap((ref) => {
      const { cluster, fault } = backends.find(ref);
      return [cluster, fault?.message];
    });
    const isSame = last?.found.every((text, i) => text === found[i]) === true;
    const value = isSame ? last.value : compileRoute(this.route, backends);
    const services = this.#serviceKeys.map((name) => objects.services.get(name));
    this.#compilations.set(key, { grants, services, found, value });
    return value;
  }

  /** By the identity of Services: what is asked of them is looked at where these are others. */
  #isCurrent({ grants, services }: Compilation, objects: RouteObjects, now: Grants): boolean {
    if (grants !== now) return false;
    for (let i = 0; i < services.length; i += 1) {
      if (objects.services.get(this.#serviceKeys[i]) !== services[i]) return false;
    }
    return true;
  }

  /** Says how it stands at the parent of that index; `compiled` null: it is none of ours. */
  judge(index: number, compiled: CompiledRoute | null, fault: Fault | null): void {
    const last = this.#judgements[index];
    if (compiled === null) {
      if (last === null) return;
      this.#judgements[index] = null;
    } else {
      if (last?.compiled === compiled && isSameFault(last.fault, fault)) return;
      const conditions = conditionsOf(compiled, fault);
      const parentRef: ParentRef = this.route.parentRefs[index];
      const value = { parentRef, controllerName: CONTROLLER_NAME, conditions };
      this.#judgements[index] = { compiled, fault, value };
    }
    this.#judged = this.#judgements.flatMap((each) => (each === null ? [] : [each.value]));
  }

  /** How it stands at all parents of ours; the same object while that is the same. */
  get judged(): readonly JudgedParent[] {
    return this.#judged;
  }
}

/** Everything that calls of a route may go to. */
function backendsOf({ rules }: GRPCRoute): BackendRef[] {
  return rules.flatMap(({ backendRefs, filters }) => [
    ...backendRefs,
    ...filters.flatMap((filter) => (filter.type === "RequestMirror" ? [filter.backend] : [])),
  ]);
}

function isSameFault(a: Fault | null, b: Fault | null): boolean {
  return a?.reason === b?.reason && a?.message === b?.message;
}

function conditionsOf(compiled: CompiledRoute, fault: Fault | null): readonly JudgedCondition[] {
  const { object, refFault, invalidRules, isWhollyInvalid } = compiled;
  const { generation } = object.metadata;
  const invalid = invalidRules.join("; ");
  const unsupported: Fault = { reason: "UnsupportedValue", message: invalid };
  const notAccepted = fault ?? (isWhollyInvalid ? unsupported : null);
  const accepted = judged("Accepted", notAccepted, generation, "Accepted");
  const idle = object.unsupported.join(", ");
  const note = idle === "" ? "" : `without effect here: ${idle}`;
  const conditions = [
    notAccepted === null ? { ...accepted, message: note } : accepted,
    judged("ResolvedRefs", refFault, generation, "ResolvedRefs"),
  ];
  if (notAccepted !== null || invalidRules.length === 0) return conditions;
  // "The message for this condition MUST start with the prefix "Dropped Rule"".
  const message = `Dropped Rule, its calls are refused: ${invalid}`;
  const partly: Fault = { reason: "UnsupportedValue", message };
  return [...conditions, judged("PartiallyInvalid", partly, generation, "", "True")];
}
