/**
 * What all objects come to when they are taken together: the ports of each Gateway of ours, the
 * ways of calls to each Service, and what is to be said of every object that has a status.
 *
 * An evaluation looks at everything and makes again only what has changed: objects are compared by
 * identity, so whoever keeps them keeps those that stay.
 */
import { isDeepStrictEqual } from "node:util";
import type { Gateway, GatewayClass, GRPCRoute, ParentRef, Service } from "../discovery/index.ts";
import {
  CONTROLLER_NAME,
  type Fault,
  type JudgedCondition,
  type JudgedGateway,
  type JudgedParent,
  judged,
} from "./conditions.ts";
import { carriedBy } from "./gateway-addresses.ts";
import { type GatewayPort, GatewayState } from "./gateway-state.ts";
import { KeptRoute } from "./kept-route.ts";
import { Memo } from "./memo.ts";
import { GATEWAY_GROUP, Grants, type RouteObjects } from "./route-objects.ts";
import type { CompiledRoute } from "./rules.ts";
import { type ServiceRoutes, ServiceState } from "./service-state.ts";

/** What a Gateway of ours serves. */
export interface GatewayRoutes {
  readonly gateway: Gateway;
  /** By number. Empty when the Gateway is not accepted. */
  readonly ports: readonly GatewayPort[];
}

/** What statuses should say. */
export interface Statuses {
  /** By name; of our classes only, as the other two are of what our classes and Services have. */
  readonly gatewayClasses: ReadonlyMap<string, readonly JudgedCondition[]>;
  readonly gateways: ReadonlyMap<string, JudgedGateway>;
  /** The same list as before while nothing else is to be said of a route. */
  readonly routes: ReadonlyMap<string, readonly JudgedParent[]>;
}

/** Everything, of one state of all objects. Immutable; keys are "namespace/name", sorted. */
export interface Evaluation {
  readonly gateways: ReadonlyMap<string, GatewayRoutes>;
  readonly services: ReadonlyMap<string, ServiceRoutes>;
  /** The same as before while they say the same, of the same objects. */
  readonly statuses: Statuses;
}

/** Evaluates again and again. */
export class RouteEvaluator {
  readonly #memo = new Memo();
  readonly #kept = new Kept();
  #statuses: Statuses | null = null;

  /**
   * Makes ahead what an evaluation asks of each route, in steps of a route each. Objects may change
   * between two steps: of those the evaluation makes it again.
   */
  *prepare(objects: RouteObjects): Generator<undefined, void> {
    const round = new Round(objects, this.#kept);
    for (const [key, route] of sorted(objects.routes)) {
      round.attach(this.#kept.route(key, route));
      yield;
    }
  }

  /** The same objects give the same result in any order. */
  evaluate(objects: RouteObjects): Evaluation {
    this.#memo.begin();
    const round = new Round(objects, this.#kept);
    const routes = new Map<string, readonly JudgedParent[]>();
    for (const [key, route] of sorted(objects.routes)) {
      const parents = round.attach(this.#kept.route(key, route));
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
    const isSame = this.#kept.end(objects);
    const statuses = { gatewayClasses: round.classes, gateways: gatewayStatuses, routes };
    if (!isSame || this.#statuses === null || !saySame(this.#statuses, statuses)) {
      this.#statuses = statuses;
    }
    return { gateways, services, statuses: this.#statuses };
  }
}

function saySame(before: Statuses, now: Statuses): boolean {
  if (before.routes.size !== now.routes.size) return false;
  for (const [key, parents] of now.routes) if (before.routes.get(key) !== parents) return false;
  const { gatewayClasses, gateways } = now;
  return (
    isDeepStrictEqual(before.gatewayClasses, gatewayClasses) &&
    isDeepStrictEqual(before.gateways, gateways)
  );
}

/** What follows from one object alone, kept as long as the object is. */
class Kept {
  readonly #routes = new Map<string, KeptRoute>();
  readonly #plain = new WeakMap<Service, ServiceRoutes>();
  #grants: Grants | null = null;
  #owners: readonly (GatewayClass | Gateway)[] = [];
  /** Whether the evaluation has seen other objects with a status than the one before it. */
  #isChanged = false;

  route(key: string, route: GRPCRoute): KeptRoute {
    let kept = this.#routes.get(key);
    if (kept?.route !== route) {
      this.#isChanged = true;
      kept = new KeptRoute(route);
      this.#routes.set(key, kept);
    }
    return kept;
  }

  /** An evaluation is over. @returns whether all objects that have a status are the same. */
  end({ gatewayClasses, gateways, routes }: RouteObjects): boolean {
    if (this.#routes.size > routes.size) {
      this.#isChanged = true;
      for (const key of this.#routes.keys()) if (!routes.has(key)) this.#routes.delete(key);
    }
    const owners = [...gatewayClasses.values(), ...gateways.values()];
    const isSame =
      owners.length === this.#owners.length && owners.every((each, i) => each === this.#owners[i]);
    this.#owners = owners;
    const isChanged = this.#isChanged;
    this.#isChanged = false;
    return isSame && !isChanged;
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

  /** The same object while all grants are the same. */
  grants(objects: RouteObjects): Grants {
    if (this.#grants === null || !this.#grants.isOf(objects)) this.#grants = new Grants(objects);
    return this.#grants;
  }
}

/** Services by the Gateway that they carry. */
function carriersOf({ services }: RouteObjects): ReadonlyMap<string, readonly Service[]> {
  const found = new Map<string, Service[]>();
  for (const [, service] of sorted(services)) {
    const gateway = carriedBy(service);
    if (gateway !== null) found.set(gateway, [...(found.get(gateway) ?? []), service]);
  }
  return found;
}

/** One evaluation while routes attach. */
class Round {
  readonly gateways = new Map<string, GatewayState>();
  readonly services = new Map<string, ServiceState>();
  readonly classes = new Map<string, readonly JudgedCondition[]>();
  readonly #objects: RouteObjects;
  readonly #grants: Grants;

  constructor(objects: RouteObjects, kept: Kept) {
    this.#objects = objects;
    this.#grants = kept.grants(objects);
    const ours = new Map<string, Fault | null>();
    for (const [name, gatewayClass] of sorted(objects.gatewayClasses)) {
      if (gatewayClass.controllerName !== CONTROLLER_NAME) continue;
      const fault = classFaultOf(gatewayClass);
      const { generation } = gatewayClass.metadata;
      ours.set(name, fault);
      this.classes.set(name, [judged("Accepted", fault, generation, "Accepted")]);
    }
    const carriers = carriersOf(objects);
    for (const [key, gateway] of sorted(objects.gateways)) {
      const fault = ours.get(gateway.gatewayClassName);
      if (fault === undefined) continue;
      const services = carriers.get(key) ?? [];
      this.gateways.set(key, new GatewayState(gateway, objects, this.#grants, fault, services));
    }
    for (const [key, service] of sorted(objects.services)) {
      this.services.set(key, new ServiceState(service));
    }
  }

  /** Attaches a route to all its parents that are ours. */
  attach(kept: KeptRoute): readonly JudgedParent[] {
    const { route, parentKeys } = kept;
    for (let i = 0; i < parentKeys.length; i += 1) {
      this.#attachTo(i, route.parentRefs[i], parentKeys[i], kept);
    }
    return kept.judged;
  }

  #attachTo(index: number, ref: ParentRef, key: string, kept: KeptRoute): void {
    if (ref.group === GATEWAY_GROUP && ref.kind === "Gateway") {
      const gateway = this.gateways.get(key);
      const compiled = gateway === undefined ? null : this.#compiled(kept, null);
      kept.judge(index, compiled, compiled === null ? null : gateway!.attach(ref, compiled));
      return;
    }
    if (ref.group !== "" || ref.kind !== "Service") return;
    const service = this.services.get(key);
    const isConsumer = service?.service.metadata.namespace !== kept.route.metadata.namespace;
    const compiled = this.#compiled(kept, isConsumer ? key : null);
    const fault = service === undefined ? absent(key) : service.attach(ref, compiled);
    kept.judge(index, compiled, fault);
  }

  #compiled(kept: KeptRoute, ownService: string | null): CompiledRoute {
    return kept.compiled(ownService, this.#objects, this.#grants);
  }
}

function absent(service: string): Fault {
  return { reason: "NoMatchingParent", message: `Service ${service} does not exist` };
}

function classFaultOf({ hasParametersRef }: GatewayClass): Fault | null {
  if (!hasParametersRef) return null;
  const message = "spec.parametersRef: no parameters are supported";
  return { reason: "InvalidParameters", message };
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
