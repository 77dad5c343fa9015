/**
 * What routes and Gateways come to in this control plane: evaluated once for those who serve them
 * and for those who write their statuses.
 */
import type { GRPCRoute } from "../../discovery/index.ts";
import {
  type Evaluation,
  type GatewayRoutes,
  type JudgedParent,
  RouteEvaluator,
  type RouteObjects,
  type Statuses,
} from "../../routes/index.ts";
import type { ObjectsState, TouchedKeys } from "../objects/state.ts";
import type { GatewayPlan, RoutePlan, ServiceTables } from "../snapshot/plan.ts";
import type { RoutePlanner } from "../snapshot/snapshots.ts";
import type { WantedParent, WantedStatuses } from "../status/wanted.ts";

/** When more routes are others than before, they are made ready in slices of time. */
const PREPARED_MIN = 200;

/** What objects came to, and of which they were. */
interface Evaluated extends Evaluation {
  /** See `RoutePlan`. */
  readonly otherGateways: ReadonlyMap<string, string>;
  readonly objects: ObjectsState["objects"];
  readonly revision: number;
}

/** See the head of this file. */
export class RoutePlanning implements RoutePlanner {
  readonly #evaluator = new RouteEvaluator();
  #last: Evaluated | null = null;
  readonly #plans = new WeakMap<GatewayRoutes, GatewayPlan>();
  readonly #wanted = new WeakMap<readonly JudgedParent[], readonly WantedParent[]>();
  #judged: { readonly statuses: Statuses; readonly wanted: WantedStatuses } | null = null;

  /** See `RoutePlanner`. */
  prepare({ objects }: ObjectsState, touched: TouchedKeys): Iterator<undefined, void> | null {
    const routeCount = touched.get("GRPCRoute")?.size ?? 0;
    return routeCount <= PREPARED_MIN ? null : this.#evaluator.prepare(routeObjects(objects));
  }

  /** See `RoutePlanner`. */
  plan(state: ObjectsState): RoutePlan {
    const { services, gateways, otherGateways } = this.#evaluate(state);
    const tables = new Map<string, ServiceTables>();
    for (const { ports } of services.values()) {
      for (const port of ports) if (port.hasRoutes) tables.set(port.cluster, port);
    }
    const plans = new Map([...gateways].map(([key, routes]) => [key, this.#planOf(routes)]));
    return { services: tables, gateways: plans, otherGateways };
  }

  /** What statuses should say; the same object while they say the same, of the same objects. */
  judge(state: ObjectsState): WantedStatuses {
    const { statuses } = this.#evaluate(state);
    if (statuses === this.#judged?.statuses) return this.#judged.wanted;
    const routes = new Map<string, readonly WantedParent[]>();
    for (const [key, parents] of statuses.routes) {
      routes.set(key, this.#noted(parents, state.objects.GRPCRoute.get(key)!));
    }
    const wanted = { ...statuses, routes };
    this.#judged = { statuses, wanted };
    return wanted;
  }

  /** With what of it not all callers do; the same list for the same parents. */
  #noted(parents: readonly JudgedParent[], route: GRPCRoute): readonly WantedParent[] {
    const known = this.#wanted.get(parents);
    if (known !== undefined) return known;
    const note = noteOf(route);
    const wanted = note === null ? parents : parents.map((each) => noted(each, note));
    this.#wanted.set(parents, wanted);
    return wanted;
  }

  /** The same while nothing has changed: plan and statuses of one change are of one evaluation. */
  #evaluate({ objects, revision }: ObjectsState): Evaluated {
    const last = this.#last;
    if (last?.objects === objects && last.revision === revision) return last;
    const all = routeObjects(objects);
    const evaluation = this.#evaluator.evaluate(all);
    const otherGateways = othersOf(all, evaluation.gateways);
    this.#last = { ...evaluation, otherGateways, objects, revision };
    return this.#last;
  }

  /** The same plan for the same routes. */
  #planOf(routes: GatewayRoutes): GatewayPlan {
    const known = this.#plans.get(routes);
    if (known !== undefined) return known;
    const listeners = routes.ports.map(({ port, chains }) => ({
      port,
      chains: chains.map(({ serverNames, certificates, table }) => {
        const secrets = [...new Set(certificates.map(({ secret }) => secret))];
        return { serverNames, secrets, table };
      }),
    }));
    const plan = { listeners };
    this.#plans.set(routes, plan);
    return plan;
  }
}

/** Why Gateways are not ours, for proxies that ask for one. */
function othersOf(
  { gateways, gatewayClasses }: RouteObjects,
  ours: ReadonlyMap<string, GatewayRoutes>,
): ReadonlyMap<string, string> {
  const others = new Map<string, string>();
  for (const [key, { gatewayClassName: name }] of gateways) {
    if (ours.has(key)) continue;
    const owner = gatewayClasses.get(name)?.controllerName;
    const why = owner === undefined ? "which does not exist" : `whose controller is ${owner}`;
    others.set(key, `is of GatewayClass ${name}, ${why}`);
  }
  return others;
}

function routeObjects(objects: ObjectsState["objects"]): RouteObjects {
  return {
    gatewayClasses: objects.GatewayClass,
    gateways: objects.Gateway,
    routes: objects.GRPCRoute,
    grants: objects.ReferenceGrant,
    namespaces: objects.Namespace,
    services: objects.Service,
    secrets: objects.Secret,
  };
}

/** Accepted by a Service, with what of it not all its callers do. */
function noted({ parentRef, conditions }: JudgedParent, note: string): WantedParent {
  if (parentRef.kind !== "Service") return { parentRef, conditions };
  return {
    parentRef,
    conditions: conditions.map((one) => {
      if (one.type !== "Accepted" || one.status !== "True") return one;
      return { ...one, message: one.message === "" ? note : `${one.message}; ${note}` };
    }),
  };
}

/** What gRPC clients that balance themselves do not carry out; null: they do all. */
function noteOf({ rules }: GRPCRoute): string | null {
  const types = new Set(
    rules.flatMap(({ filters, backendRefs }) =>
      [...filters, ...backendRefs.flatMap((backend) => backend.filters)].map(({ type }) => type),
    ),
  );
  if (types.size === 0) return null;
  return `not carried out by gRPC clients: ${[...types].sort().join(", ")}`;
}
