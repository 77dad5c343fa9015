/**
 * What the routes among the objects come to, evaluated once for all who ask: snapshots serve it,
 * statuses tell it.
 *
 * Nothing is evaluated before somebody asks, nor again before an object that routes depend on has
 * changed: endpoints, which change most, are none of these.
 */
import type { KindName } from "../../discovery/index.ts";
import { type Evaluation, RouteEvaluator, type RouteObjects } from "../../routes/index.ts";
import type { ObjectsState } from "./state.ts";

/** Kinds that no route depends on. */
const NOT_ROUTED: readonly KindName[] = ["EndpointSlice", "Node"];

/** See the head of this file. */
export class ObjectsEvaluation {
  readonly #evaluator = new RouteEvaluator();
  readonly #objects: RouteObjects;
  readonly #end: () => void;
  #current: Evaluation | null = null;

  /** @param state those who ask for `current` when it changes have subscribed after this. */
  constructor(state: ObjectsState) {
    const { GatewayClass, Gateway, GRPCRoute, ReferenceGrant } = state.objects;
    const { Namespace, Service, Secret } = state.objects;
    this.#objects = {
      ...{ gatewayClasses: GatewayClass, gateways: Gateway, routes: GRPCRoute },
      ...{ grants: ReferenceGrant, namespaces: Namespace, services: Service, secrets: Secret },
    };
    this.#end = state.subscribe({
      onObjects: (touched) => {
        const isRouted = [...touched.keys()].some((kind) => !NOT_ROUTED.includes(kind));
        if (isRouted) this.#current = null;
      },
    });
  }

  /** Of the objects as they are. The same object for as long as nothing is another. */
  get current(): Evaluation {
    this.#current ??= this.#evaluator.evaluate(this.#objects);
    return this.#current;
  }

  /** Follows the objects no more. */
  close(): void {
    this.#end();
  }
}
