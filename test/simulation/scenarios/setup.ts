/**
 * What scenarios have in common: the usual pods and network, and the policies to compare.
 */
import { KNOWN_POLICY_NAMES } from "../../../src/balancing/index.ts";
import { Client, type ClientConfig, policyConfig } from "../world/client.ts";
import { lognormal } from "../world/distributions.ts";
import { Network } from "../world/network.ts";
import type { PodConfig } from "../world/pod.ts";
import { Service } from "../world/service.ts";
import { Timeline } from "../world/timeline.ts";
import { World } from "../world/world.ts";

/** 10 ms a call, 16 at a time, and a queue that a short burst fits into. */
export const USUAL_POD: PodConfig = {
  workMs: lognormal(10, 0.5),
  workers: 16,
  queueMax: 1_000,
  maxStreams: 100,
};

/** One way within a zone: a quarter of a millisecond, more or less. */
const LATENCY_MS = lognormal(0.25, 0.3);
/** From a change in the API server to the clients, in a busy cluster. */
const NEWS_MS = lognormal(300, 0.7);

/** Pods, one client that calls them, and what became of its calls. */
export interface Scene {
  readonly world: World;
  readonly service: Service;
  readonly client: Client;
  readonly timeline: Timeline;
}

/** A scene with `pods` pods; the client is connected when this returns. */
export function newScene(
  seed: number,
  pods: number,
  serviceConfig: unknown,
  podConfig: PodConfig = USUAL_POD,
  more: Partial<ClientConfig> = {},
): Scene {
  const world = new World(seed);
  const service = new Service(new Network(world, LATENCY_MS), NEWS_MS);
  service.addMany(pods, podConfig);
  const timeline = new Timeline(service);
  const onCallEnded = timeline.record.bind(timeline);
  const client = new Client(service, { name: "client", serviceConfig, onCallEnded, ...more });
  world.run(CONNECTED_MS);
  return { world, service, client, timeline };
}

const CONNECTED_MS = 1_000;

/** Ends a scene: its client closes, and nothing may be left of it. */
export function endScene({ world, service, client }: Scene): void {
  client.stop();
  world.run(30_000);
  if (client.active > 0) throw new Error(`${client.active} calls never ended`);
  client.cluster.close();
  // The longest a connection attempt may take, and more.
  world.run(60_000);
  const open = service.pods.reduce((sum, pod) => sum + pod.connectionCount, 0);
  if (open > 0) throw new Error(`${open} connections were left open`);
  if (world.clock.pendingCount > 0) throw new Error("a timer was left");
}

/** One way of balancing, as a row of a table. */
export interface Contender {
  readonly name: string;
  readonly serviceConfig: unknown;
}

/** Those of some policies that exist, with their default parameters. */
export function contenders(...names: string[]): Contender[] {
  return names
    .filter((name) => KNOWN_POLICY_NAMES.includes(name))
    .map((name) => ({ name, serviceConfig: policyConfig(name) }));
}
