/**
 * What all objects come to when they are taken together: the ports of each Gateway of ours, the
 * ways of calls to each Service, and what is to be said of every object that has a status.
 *
 * An evaluation looks at everything and makes again only what has changed: objects are compared by
 * identity, so whoever keeps them keeps those that stay.
 */
import type {
  BackendRef,
  Gateway,
  GatewayClass,
  GRPCRoute,
  ObjectRef,
  ParentRef,
  Service,
} from "../discovery/index.ts";
import { Backends } from "./backends.ts";
import {
  CONTROLLER_NAME,
  type Fault,
  type JudgedCondition,
  type JudgedGateway,
  type JudgedParent,
  judged,
} from "./conditions.ts";
import { type GatewayPort, GatewayState } from "./gateway-state.ts";
import { Memo } from "./memo.ts";
import { GATEWAY_GROUP, Grants, keyOf, type RouteObjects } from "./route-objects.ts";
import { type CompiledRoute, compileRoute } from "./rules.ts";
import { type ServiceRoutes, ServiceState } from "./service-state.ts";

/** What a Gateway of ours serves. */
export interface GatewayRoutes {
  readonly gateway: Gateway;
  /** By number. Empty when the Gateway is not accepted. */
  readonly ports: readonly GatewayPort[];
}

/** Everything, of one state of all objects. Immutable; keys are "namespace/name", sorted. */
export interface Evaluation {
  readonly gateways: ReadonlyMap<string, GatewayRoutes>;
  readonly services: ReadonlyMap<string, ServiceRoutes>;
  readonly statuses: {
    /** By name; of our classes only, as the other two are of what our classes and Services have. */
    readonly gatewayClasses: ReadonlyMap<string, readonly JudgedCondition[]>;
    readonly gateways: ReadonlyMap<string, JudgedGateway>;
    readonly routes: ReadonlyMap<string, readonly JudgedParent[]>;
  };
}

/** Evaluates again and again. */
export class RouteEvaluator {
  readonly #memo = new Memo();
  readonly #kept = new Kept();

  /** The same objects give the same result in any order. */
  evaluate(objects: RouteObjects): Evaluation {
    this.#memo.begin();
    const round = new Round(objects, this.#memo, this.#kept);
    const routes = new Map<string, readonly JudgedParent[]>();
    for (const [key, route] of sorted(objects.routes)) {
      const parents = round.attach(route);
      if (parents.length > 0) routes.set(key, parents);
    }
    const gateways = new Map<string, GatewayRoutes>();
    const gatewayStatuses = new Map<string, JudgedGateway>();
    for (const [key, state] of round.gateways) {
      const { gateway } = state;
      const ports = state.ports(this.#memo);
      const make = (): GatewayRoutes => ({ gateway, ports });
      gateways.set(key, this.#memo.get(`gateway ${key}`, [gateway, ...ports], make));
      gatewayStatuses.set(key, state.status());
    }
    const services = new Map<string, ServiceRoutes>();
    for (const [key, state] of round.services) {
      services.set(key, state.hasRoutes ? state.finish(this.#memo) : this.#kept.plain(state));
    }
    this.#memo.end();
    const statuses = { gatewayClasses: round.classes, gateways: gatewayStatuses, routes };
    return { gateways, services, statuses };
  }
}

/** Names that a route refers to, so that they are put together once. */
interface RouteKeys {
  readonly parents: readonly string[];
  readonly services: readonly string[];
}

/** What follows from one object alone, kept as long as the object is. */
class Kept {
  readonly #keys = new WeakMap<GRPCRoute, RouteKeys>();
  readonly #plain = new WeakMap<Service, ServiceRoutes>();
  readonly #good = new WeakMap<CompiledRoute, readonly JudgedCondition[]>();
  #grants: Grants | null = null;

  keys(route: GRPCRoute): RouteKeys {
    let keys = this.#keys.get(route);
    if (keys === undefined) {
      const { namespace } = route.metadata;
      const keyFor = (ref: ObjectRef): string => `${ref.namespace ?? namespace}/${ref.name}`;
      const backends = route.rules.flatMap(({ backendRefs, filters }) => [
        ...backendRefs,
        ...filters.flatMap((filter) => (filter.type === "RequestMirror" ? [filter.backend] : [])),
      ]);
      keys = { parents: route.parentRefs.map(keyFor), services: backends.map(keyFor) };
      this.#keys.set(route, keys);
    }
    return keys;
  }

  /** Of a Service without routes. */
  plain(state: ServiceState): ServiceRoutes {
    let routes = this.#plain.get(state.service);
    if (routes === undefined) {
      routes = state.finish(new Memo());
      this.#plain.set(state.service, routes);
    }
    return routes;
  }

  /** Conditions of a route at a parent that has nothing against it. */
  good(compiled: CompiledRoute): readonly JudgedCondition[] {
    let conditions = this.#good.get(compiled);
    if (conditions === undefined) {
      conditions = conditionsOf(compiled, null);
      this.#good.set(compiled, conditions);
    }
    return conditions;
  }

  /** The same object while all grants are the same. */
  grants(objects: RouteObjects): Grants {
    if (this.#grants === null || !this.#grants.isOf(objects)) this.#grants = new Grants(objects);
    return this.#grants;
  }
}

/** One evaluation while routes attach. */
class Round {
  readonly gateways = new Map<string, GatewayState>();
  readonly services = new Map<string, ServiceState>();
  readonly classes = new Map<string, readonly JudgedCondition[]>();
  readonly #objects: RouteObjects;
  readonly #grants: Grants;
  readonly #memo: Memo;
  readonly #kept: Kept;

  constructor(objects: RouteObjects, memo: Memo, kept: Kept) {
    this.#objects = objects;
    this.#grants = kept.grants(objects);
    this.#memo = memo;
    this.#kept = kept;
    const ours = new Map<string, Fault | null>();
    for (const [name, gatewayClass] of sorted(objects.gatewayClasses)) {
      if (gatewayClass.controllerName !== CONTROLLER_NAME) continue;
      const fault = classFaultOf(gatewayClass);
      const { generation } = gatewayClass.metadata;
      ours.set(name, fault);
      this.classes.set(name, [judged("Accepted", fault, generation, "Accepted")]);
    }
    for (const [key, gateway] of sorted(objects.gateways)) {
      const fault = ours.get(gateway.gatewayClassName);
      if (fault === undefined) continue;
      this.gateways.set(key, new GatewayState(gateway, objects, this.#grants, fault));
    }
    for (const [key, service] of sorted(objects.services)) {
      this.services.set(key, new ServiceState(service));
    }
  }

  /** Attaches a route to all its parents that are ours. */
  attach(route: GRPCRoute): readonly JudgedParent[] {
    const parents: JudgedParent[] = [];
    const keys = this.#kept.keys(route).parents;
    for (const [i, ref] of route.parentRefs.entries()) {
      const conditions = this.#attachTo(ref, keys[i], route);
      if (conditions === null) continue;
      parents.push({ parentRef: ref, controllerName: CONTROLLER_NAME, conditions });
    }
    return parents;
  }

  #attachTo(ref: ParentRef, key: string, route: GRPCRoute): readonly JudgedCondition[] | null {
    if (ref.group === GATEWAY_GROUP && ref.kind === "Gateway") {
      const gateway = this.gateways.get(key);
      if (gateway === undefined) return null;
      const compiled = this.#compiled(route, null);
      return this.#conditions(compiled, gateway.attach(ref, compiled));
    }
    if (ref.group !== "" || ref.kind !== "Service") return null;
    const service = this.services.get(key);
    const isConsumer = service?.service.metadata.namespace !== route.metadata.namespace;
    const compiled = this.#compiled(route, isConsumer ? key : null);
    if (service !== undefined) return this.#conditions(compiled, service.attach(ref, compiled));
    const message = `Service ${key} does not exist`;
    return conditionsOf(compiled, { reason: "NoMatchingParent", message });
  }

  #conditions(compiled: CompiledRoute, fault: Fault | null): readonly JudgedCondition[] {
    return fault === null ? this.#kept.good(compiled) : conditionsOf(compiled, fault);
  }

  /**
   * The same object as last time when neither the route nor what its backends come to has changed:
   * found out by the identity of Services first, by what is asked of them where these are others.
   */
  #compiled(route: GRPCRoute, ownService: string | null): CompiledRoute {
    const { services } = this.#objects;
    const inputs: unknown[] = [this.#grants];
    for (const key of this.#kept.keys(route).services) inputs.push(services.get(key));
    const id = ownService === null ? route : `route ${keyOf(route.metadata)} for ${ownService}`;
    if (ownService !== null) inputs.push(route);
    return this.#memo.get(id, inputs, () => this.#compile(route, ownService));
  }

  #compile(route: GRPCRoute, ownService: string | null): CompiledRoute {
    const backends = new Backends(route, this.#objects, this.#grants, ownService);
    const inputs: unknown[] = [route];
    const look = (ref: BackendRef): void => {
      const { cluster, fault } = backends.find(ref);
      inputs.push(cluster, fault?.message);
    };
    for (const { backendRefs, filters } of route.rules) {
      for (const ref of backendRefs) look(ref);
      for (const filter of filters) if (filter.type === "RequestMirror") look(filter.backend);
    }
    const key = `compiled ${keyOf(route.metadata)} ${ownService ?? ""}`;
    return this.#memo.get(key, inputs, () => compileRoute(route, backends));
  }
}

function classFaultOf({ hasParametersRef }: GatewayClass): Fault | null {
  if (!hasParametersRef) return null;
  const message = "spec.parametersRef: no parameters are supported";
  return { reason: "InvalidParameters", message };
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

/** Entries by key. */
function sorted<T>(map: ReadonlyMap<string, T>): Iterable<readonly [string, T]> {
  let last = "";
  for (const key of map.keys()) {
    if (key < last) return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    last = key;
  }
  return map;
}
