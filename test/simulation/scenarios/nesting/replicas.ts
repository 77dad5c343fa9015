/**
 * 2 replicas of a proxy become 6 while clients call: every connection is one of the real engine,
 * and every call is counted.
 */
import { Status } from "../../../../src/grpc/index.ts";
import { lognormalRates } from "../../../../src/proxy/nesting/fleet.fixture.ts";
import type { Run } from "../../report/report.ts";
import { CHANNEL_CLUSTER, Client, policyConfig } from "../../world/client.ts";
import { lognormal } from "../../world/distributions.ts";
import { Network } from "../../world/network.ts";
import { Replica, type Shed } from "../../world/replica.ts";
import { maxOverMean } from "../../world/statistics.ts";
import { VirtualIp } from "../../world/virtual-ip.ts";
import { World } from "../../world/world.ts";

const BEFORE = 2;
const AFTER = 6;
const CONNECTIONS = 300;
/** Before the new replicas come: nothing is young by then, and rates are known. */
const SETTLE_MS = 30_000;
/** The load of a replica is what came to it in so long. */
const WINDOW_MS = 5_000;

/** What came of it. */
export interface Replicas {
  readonly calls: number;
  readonly failed: number;
  readonly sheds: readonly Shed[];
  /** Seconds after the new replicas came, and max/mean of the calls of the last `WINDOW_MS`. */
  readonly evenness: readonly (readonly [number, number])[];
  /** The same for each replica: its share of all calls, in %. */
  readonly shares: readonly (readonly (readonly [number, number])[])[];
}

/** Runs it. */
export function runReplicas(run: Run, meanRate: number, runsMs: number): Replicas {
  const world = new World(run.seed);
  const network = new Network(world, lognormal(0.25, 0.3));
  const balancer = new VirtualIp<Replica>(network, "10.96.0.1:443");
  const addReplica = () => {
    const name = `replica-${balancer.hosts.length}`;
    balancer.hosts.push(new Replica(world, name, () => balancer.hosts));
  };
  for (let i = 0; i < BEFORE; i += 1) addReplica();
  let [calls, failed] = [0, 0];
  const onCallEnded = ({ status }: { status: Status }) => {
    calls += 1;
    if (status !== Status.OK) failed += 1;
  };
  const rates = lognormalRates(CONNECTIONS, 1, meanRate, AFTER, world.rng("rates"));
  const clients = rates.map((rate, i) => {
    const serviceConfig = policyConfig("pick_first");
    const cluster = CHANNEL_CLUSTER;
    const client = new Client(balancer, {
      name: `client-${i}`,
      serviceConfig,
      cluster,
      onCallEnded,
    });
    client.offer(() => rate);
    return client;
  });
  world.run(SETTLE_MS);
  for (let i = BEFORE; i < AFTER; i += 1) addReplica();
  const taken = follow(world, balancer.hosts, runsMs);
  for (const client of clients) client.stop();
  world.run(5_000);
  if (clients.some(({ active }) => active > 0)) throw new Error("a call never ended");
  for (const client of clients) client.cluster.close();
  for (const replica of balancer.hosts) replica.close();
  world.run(60_000);
  if (world.clock.pendingCount > 0) throw new Error("a timer was left");
  return { calls, failed, sheds: balancer.hosts.flatMap(({ sheds }) => sheds), ...taken };
}

/** Takes the figures once a second. */
function follow(world: World, replicas: readonly Replica[], runsMs: number) {
  const evenness: [number, number][] = [];
  const shares = replicas.map((): [number, number][] => []);
  const history: number[][] = [replicas.map(({ calls }) => calls)];
  for (let s = 1; s <= runsMs / 1_000; s += 1) {
    world.run(1_000);
    const now = replicas.map(({ calls }) => calls);
    history.push(now);
    const then = history[Math.max(0, s - WINDOW_MS / 1_000)]!;
    const loads = now.map((count, i) => count - then[i]!);
    const sum = loads.reduce((a, b) => a + b, 0);
    evenness.push([s, maxOverMean(loads)]);
    for (const [i, load] of loads.entries()) shares[i]!.push([s, (100 * load) / sum]);
  }
  return { evenness, shares };
}
