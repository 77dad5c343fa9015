/**
 * The lane `client`: the same stub on fairlead's channel, which watches the EndpointSlices.
 */
import { LAB_TARGET } from "../pods/pod-objects.ts";
import type { Lane } from "./lane.ts";

/** The lane. */
export const CLIENT: Lane = {
  name: "client",
  title: "fairlead client",
  how: "grpc-js stub on fairlead's channel, kubernetes:///",
  hasPolicy: true,
  async open({ pods, podsReady, kubernetes }) {
    await podsReady;
    return {
      target: LAB_TARGET,
      // What the Service says holds.
      serviceConfig: "",
      connections: pods.ready.length,
      kubernetes,
      chooser: { by: "channel" },
    };
  },
};
