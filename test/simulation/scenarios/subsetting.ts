/**
 * Many clients of many endpoints, each with connections to a few: how even it is as a whole, and
 * what a change costs.
 */
import { LeastRequestPolicy, type PickTarget, Subsetting } from "../../../src/balancing/index.ts";
import { type Rng, seededRng } from "../../../src/base/index.ts";
import type { Check, Report, Run, Scenario } from "../report/report.ts";
import { Client } from "../world/client.ts";
import { jain, maxOverMean } from "../world/statistics.ts";
import { endScene, newScene } from "./setup.ts";

/** Clients, endpoints, and the sizes of subset to compare. */
type Shape = readonly [clients: number, endpoints: number, subsets: readonly number[]];

/** The first has a target; the others are reported as they are. */
const SHAPES_FULL: readonly Shape[] = [
  [10_000, 1_000, [20, 100]],
  [1_000, 10_000, [20, 100, 1_000]],
];
const SHAPES_SHORT: readonly Shape[] = [
  [2_000, 200, [20]],
  [100, 1_000, [20]],
];
/** One client in so many looks at a change of endpoints. */
const CHANGE_EVERY = 20;
/** Calls of each client. */
const CALLS = 200;
const POLICY = new LeastRequestPolicy();

/** An endpoint as one client sees it: its calls are over at once, so that chance alone decides. */
interface Target extends PickTarget {
  readonly index: number;
}

function targetOf(index: number, address: string): Target {
  return {
    index,
    activeCalls: 0,
    weight: 1,
    key: address,
    connectivity: "READY",
    load: null,
  };
}

function addressOf(index: number): string {
  return `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:50051`;
}

/** What one size of subset comes to. */
interface Measured {
  readonly clients: number;
  readonly endpoints: number;
  readonly subset: number;
  readonly connections: number[];
  readonly calls: number[];
  /** Clients that looked at a change, those of them that reconnect, and the most by one. */
  looked: number;
  moved: number;
  movedMost: number;
}

function measure([clients, endpoints, subsets]: Shape, rng: Rng): Measured[] {
  const addresses = Array.from({ length: endpoints }, (_, i) => addressOf(i));
  // One pod is replaced: the last address goes, another comes.
  const replaced = endpoints - 1;
  const changed = [...addresses.slice(0, -1), addressOf(endpoints)];
  const zeros = () => new Array<number>(endpoints).fill(0);
  const all = subsets.map((subset): Measured => {
    const counts = { connections: zeros(), calls: zeros(), looked: 0, moved: 0, movedMost: 0 };
    return { clients, endpoints, subset, ...counts };
  });
  for (let client = 0; client < clients; client += 1) {
    const chooser = new Subsetting(rng.int(2 ** 32));
    const chosen = all.map((one) => {
      const isIn = chooser.choose(addresses, one.subset);
      use(one, isIn, addresses, rng);
      return isIn;
    });
    if (client % CHANGE_EVERY !== 0) continue;
    for (const [i, one] of all.entries()) {
      const after = chooser.choose(changed, one.subset);
      const moved = chosen[i]!.filter((isIn, at) => isIn && (at === replaced || !after[at])).length;
      one.looked += 1;
      if (moved > 0) one.moved += 1;
      one.movedMost = Math.max(one.movedMost, moved);
    }
  }
  return all;
}

/** One client connects to its subset, and calls it. */
function use(one: Measured, isIn: readonly boolean[], addresses: string[], rng: Rng): void {
  const targets: Target[] = [];
  for (let i = 0; i < addresses.length; i += 1) {
    if (!isIn[i]) continue;
    one.connections[i] += 1;
    targets.push(targetOf(i, addresses[i]!));
  }
  const picker = POLICY.newPicker(targets, rng);
  for (let i = 0; i < CALLS; i += 1) one.calls[picker.pick(null, null, 0)!.index] += 1;
}

/** The real cluster with a subset: as many connections as it should have, and calls over them. */
function connected(run: Run): { most: number; failed: number } {
  const [clients, pods, subset] = run.isShort ? [10, 20, 5] : [60, 60, 10];
  const serviceConfig = {
    loadBalancingConfig: [
      {
        random_subsetting_experimental: {
          subsetSize: subset,
          childPolicy: [{ least_request: {} }],
        },
      },
    ],
  };
  const scene = newScene(run.seed, pods, serviceConfig);
  const others = Array.from({ length: clients - 1 }, (_, i) => {
    const onCallEnded = scene.timeline.record.bind(scene.timeline);
    return new Client(scene.service, { name: `client-${i}`, serviceConfig, onCallEnded });
  });
  const all = [scene.client, ...others];
  for (const client of all) client.offer(() => 20);
  scene.world.run(5_000);
  const most = Math.max(...all.map(({ cluster }) => cluster.subchannels.length));
  const open = scene.service.pods.reduce((sum, pod) => sum + pod.connectionCount, 0);
  if (open !== clients * subset) throw new Error(`${open} connections, not ${clients * subset}`);
  for (const client of others) client.stop();
  scene.world.run(1_000);
  for (const client of others) client.cluster.close();
  endScene(scene);
  return { most: most / subset, failed: scene.timeline.failures() };
}

const COLUMNS = [
  "clients",
  "endpoints",
  "subset",
  "connections",
  "fewest",
  "most",
  "max/mean",
  "Jain",
  "endpoints without any",
  "max/mean of calls",
  "clients that reconnect %",
  "most by one",
];

function rowOf({ clients, endpoints, subset, connections, calls, ...change }: Measured) {
  return [
    clients,
    endpoints,
    subset,
    clients * subset,
    Math.min(...connections),
    Math.max(...connections),
    maxOverMean(connections),
    jain(connections),
    connections.filter((count) => count === 0).length,
    maxOverMean(calls),
    (100 * change.moved) / change.looked,
    change.movedMost,
  ];
}

function checksOf(all: readonly Measured[], real: { most: number; failed: number }): Check[] {
  const { clients, endpoints, subset, connections } = all[0]!;
  return [
    {
      what: `subsetting ${clients} clients x ${endpoints} endpoints, subset ${subset}: max/mean`,
      value: maxOverMean(connections),
      unit: "",
      atMost: 1.3,
    },
    {
      what: "subsetting: entries of one subset that change with one endpoint replaced (A68)",
      value: Math.max(...all.map(({ movedMost }) => movedMost)),
      unit: "",
      atMost: 1,
    },
    {
      what: "subsetting, real clusters: endpoints in use, against the subset",
      value: real.most,
      unit: "x",
      atMost: 1,
    },
    { what: "subsetting, real clusters: failed calls", value: real.failed, unit: "", atMost: 0 },
  ];
}

function report(run: Run): Report {
  const all = (run.isShort ? SHAPES_SHORT : SHAPES_FULL).flatMap((shape) => {
    run.progress(`${shape[0]} clients, ${shape[1]} endpoints`);
    return measure(shape, seededRng(run.seed));
  });
  const title = "Connections and calls for each endpoint, and one endpoint replaced";
  return {
    tables: [{ title, columns: COLUMNS, rows: all.map(rowOf) }],
    charts: [
      {
        name: "subsetting",
        title: "Connections for each endpoint, from the fewest to the most",
        xLabel: "% of the endpoints",
        yLabel: "connections / mean",
        series: all.map(({ clients, endpoints, subset, connections }) => ({
          name: `${clients} x ${endpoints}, ${subset}`,
          points: ranked(connections),
        })),
      },
    ],
    checks: checksOf(all, connected(run)),
    notes: [
      "Each client chooses for itself, by chance; so an endpoint has as many connections as chance",
      "gives it, and evenness comes with their number: 200 in the mean are within a quarter of it,",
      "2 in the mean leave one endpoint in seven without any. Clients times subset should be a",
      "hundred times the endpoints or more.",
    ],
  };
}

/** [% of endpoints, connections over their mean], from the fewest to the most. */
function ranked(connections: readonly number[]): [number, number][] {
  const sorted = [...connections].sort((a, b) => a - b);
  const meanCount = sorted.reduce((a, b) => a + b, 0) / sorted.length;
  const points: [number, number][] = [];
  for (let percent = 0; percent <= 100; percent += 1) {
    const at = Math.min(sorted.length - 1, Math.floor((percent / 100) * sorted.length));
    points.push([percent, sorted[at]! / meanCount]);
  }
  return points;
}

/** See the head of this file. */
export const subsetting: Scenario = {
  name: "subsetting",
  title: "10,000 clients and 1,000 endpoints, and the other way round",
  about:
    "Every client connects to a random subset of the endpoints (A68) and calls them by " +
    "least_request. Real: the choice of subsets and the pickers, driven directly, one by one for " +
    "each client; and, with fewer, clusters with their connections.",
  run: report,
};
