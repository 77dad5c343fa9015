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
} from "../../routes/index.ts";
import type { ObjectsState } from "../objects/state.ts";
import type { GatewayPlan, RoutePlan, ServiceTables } from "../snapshot/plan.ts";
import type { RoutePlanner } from "../snapshot/snapshots.ts";
import type { WantedRoute, WantedStatuses } from "../status/wanted.ts";

/** See the head of this file. */
export class RoutePlanning implements RoutePlanner {
  readonly #evaluator = new RouteEvaluator();
  readonly #plans = new WeakMap<GatewayRoutes, GatewayPlan>();

  /** See `RoutePlanner`. */
  plan(state: ObjectsState): RoutePlan {
    const { services, gateways } = this.#evaluate(state);
    const tables = new Map<string, ServiceTables>();
    for (const { ports } of services.values()) {
      for (const port of ports) if (port.hasRoutes) tables.set(port.cluster, port);
    }
    const plans = new Map([...gateways].map(([key, routes]) => [key, this.#planOf(routes)]));
    return { services: tables, gateways: plans };
  }

  /** What statuses should say. */
  judge(state: ObjectsState): WantedStatuses {
    const { statuses } = this.#evaluate(state);
    const { Gateway, GRPCRoute } = state.objects;
    return {
      classes: new Map(
        [...statuses.gatewayClasses].map(([key, conditions]) => [key, { conditions }]),
      ),
      gateways: new Map(
        [...statuses.gateways].map(([key, judged]) => {
          // Who publishes a Gateway's ports knows its addresses; they stay as they are.
          const addresses = Gateway.get(key)?.status.addresses ?? [];
          return [key, { ...judged, addresses }];
        }),
      ),
      routes: new Map(
        [...GRPCRoute].map(([key, route]) => [
          key,
          wantedOf(route, statuses.routes.get(key) ?? []),
        ]),
      ),
    };
  }

  #evaluate({ objects }: ObjectsState): Evaluation {
    return this.#evaluator.evaluate({
      gatewayClasses: objects.GatewayClass,
      gateways: objects.Gateway,
      routes: objects.GRPCRoute,
      grants: objects.ReferenceGrant,
      namespaces: objects.Namespace,
      services: objects.Service,
      secrets: objects.Secret,
    });
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

/** The conditions of a route; with what of it not all callers of a Service do. */
function wantedOf(route: GRPCRoute, parents: readonly JudgedParent[]): WantedRoute {
  const note = noteOf(route);
  return {
    parents: parents.map(({ parentRef, conditions }) => {
      if (note === null || parentRef.kind !== "Service") return { parentRef, conditions };
      const noted = conditions.map((one) => {
        if (one.type !== "Accepted" || one.status !== "True") return one;
        return { ...one, message: one.message === "" ? note : `${one.message}; ${note}` };
      });
      return { parentRef, conditions: noted };
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
