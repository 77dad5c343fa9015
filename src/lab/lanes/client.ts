/**
 * The lane `client`: the same stub on fairlead's channel, which watches the EndpointSlices.
 */
import { LAB_TARGET } from "../pods/pod-objects.ts";
import { type Lane, policyConfig } from "./lane.ts";

/** The lane. */
export const CLIENT: Lane = {
  name: "client",
  title: "fairlead client",
  how: "grpc-js stub on fairlead's channel, kubernetes:///",
  async open({ pods, podsReady, kubernetes, policy }) {
    await podsReady;
    return {
      target: LAB_TARGET,
      serviceConfig: policyConfig(policy),
      connections: pods.ready.length,
      kubernetes,
    };
  },
};
