/**
 * A judge of Gateway API objects for tests of who writes statuses. It knows little: what is of the
 * controller's class is accepted, but for routes whose first hostname is "bad.example".
 */
import type { ObjectsState, WantedCondition, WantedStatuses } from "../../src/control/index.ts";

/** As GatewayClasses name it. */
export const CONTROLLER = "fairlead.dev/gateway-controller";

/** What statuses should say. */
export function judge({ objects }: ObjectsState): WantedStatuses {
  const say = (type: string, good: boolean, reason: string, generation: number) => {
    const status = good ? "True" : "False";
    const condition: WantedCondition = {
      ...{ type, status, reason, message: "", observedGeneration: generation },
    };
    return condition;
  };
  const ours = (name: string) => objects.GatewayClass.get(name)?.controllerName === CONTROLLER;
  const classes = [...objects.GatewayClass].filter(([name]) => ours(name));
  const gateways = [...objects.Gateway].filter(([, one]) => ours(one.gatewayClassName));
  return {
    gatewayClasses: new Map(
      classes.map(([key, { metadata }]) => {
        return [key, [say("Accepted", true, "Accepted", metadata.generation)]];
      }),
    ),
    gateways: new Map(
      gateways.map(([key, { metadata, listeners }]) => {
        const { generation } = metadata;
        const conditions = [
          say("Accepted", true, "Accepted", generation),
          say("Programmed", true, "Programmed", generation),
        ];
        const supportedKinds = [{ group: "gateway.networking.k8s.io", kind: "GRPCRoute" }];
        const rows = listeners.map(({ name }) => ({
          ...{ name, supportedKinds, attachedRoutes: objects.GRPCRoute.size, conditions },
        }));
        return [key, { conditions, listeners: rows }];
      }),
    ),
    routes: new Map(
      [...objects.GRPCRoute].map(([key, { metadata, parentRefs, hostnames }]) => {
        const good = hostnames[0] !== "bad.example";
        const reason = good ? "Accepted" : "NoMatchingListenerHostname";
        const conditions = [say("Accepted", good, reason, metadata.generation)];
        const parents = parentRefs
          .filter((ref) =>
            objects.Gateway.has(`${ref.namespace ?? metadata.namespace}/${ref.name}`),
          )
          .map((parentRef) => ({ parentRef, conditions }));
        return [key, parents];
      }),
    ),
  };
}
