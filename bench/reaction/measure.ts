/**
 * How long a new pod waits for its first call: from the write of its EndpointSlice to the moment at
 * which a stock server on it is asked, through `fairlead proxy --to kubernetes:///...`.
 *
 * Pods come one by one under light load, and the oldest leaves when the new one has its call, so
 * that every addition is like the others. The time begins *before* the write is sent: the API
 * server's own work is inside.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestCluster } from "../../test/kubernetes/cluster.ts";
import type { Objects } from "../../test/kubernetes/objects.ts";
import { InsideProxy } from "../../test/kubernetes/traffic.ts";
import type { RunningProcess } from "../../test/peers/processes.ts";

/** Calls per second of the client. */
const RATE = 1_000;
/** Pods at a time; one more between the arrival of the new and the leaving of the oldest. */
export const PODS = 3;
const PORT = 50_051;
const PAUSE_MS = 60;
/** A pod that has no call by then is counted as lost. */
const LOST_MS = 10_000;

/** What was found. */
export interface Reaction {
  /** For each pod that came, in ms; a pod that got no call is Infinity. */
  readonly samplesMs: readonly number[];
  readonly calls: number;
  readonly failed: number;
}

const NODE = join(import.meta.dirname, "..", "..", "node_modules", ".bin", "node");

/** A process of this folder, where the cluster's addresses are. */
export function launch(
  cluster: TestCluster,
  program: string,
  args: readonly string[],
): RunningProcess {
  const path = join(import.meta.dirname, program);
  // Without it grpc-js asks getaddrinfo, whatever server its target names.
  const env = { GRPC_NODE_USE_ALTERNATIVE_RESOLVER: "true" };
  return cluster.launch(NODE, [path, ...args], { name: program, env });
}

/** Servers on many addresses, and the times of their first calls. */
export class BenchPods {
  readonly ips: readonly string[];
  readonly #process: RunningProcess;

  constructor(cluster: TestCluster, count: number) {
    this.ips = Array.from({ length: count }, () => cluster.nextIp());
    this.#process = launch(cluster, "pods.ts", [String(PORT), ...this.ips]);
  }

  /** Resolves when all listen. */
  async ready(): Promise<void> {
    await this.#process.waitFor(/^ready$/m, 30_000);
  }

  /** When the first call of an address came, in ns; null when none has. */
  firstCallNs(ip: string): bigint | null {
    const line = this.#process.stdout.split("\n").find((each) => each.includes(`"${ip}"`));
    return line === undefined ? null : BigInt((JSON.parse(line) as { atNs: string }).atNs);
  }

  /** Ends them. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }
}

/** Whatever ends when it is told to. */
export interface Stoppable {
  stop(): Promise<unknown>;
}

/** Measures `count` pods that come one by one. `directory` is for the proxy's socket. */
export function measureReaction(
  cluster: TestCluster,
  objects: Objects,
  count: number,
  directory: string,
): Promise<Reaction> {
  return measurePods(cluster, objects, count, async (running) => {
    const to = `kubernetes:///echo.${objects.namespace}:grpc`;
    const flags = ["--to", to, "--kubeconfig", cluster.kubeconfig];
    const proxy = await InsideProxy.start(cluster, directory, flags);
    running.push(proxy);
    return launch(cluster, "caller.ts", [proxy.target, String(RATE), ""]);
  });
}

/**
 * Measures `count` pods that come one by one, each for a moment in addition to the others.
 *
 * @param start of the caller, with what it needs, once there are pods; what it puts into the list
 *   is stopped at the end.
 */
export async function measurePods(
  cluster: TestCluster,
  objects: Objects,
  count: number,
  start: (running: Stoppable[]) => Promise<RunningProcess>,
  pauseMs = PAUSE_MS,
): Promise<Reaction> {
  const pods = new BenchPods(cluster, PODS + count);
  const running: Stoppable[] = [pods];
  try {
    await pods.ready();
    const slice = new HandMadeSlice(objects);
    await slice.create(pods.ips.slice(0, PODS));
    const caller = await start(running);
    running.push(caller);
    await caller.waitFor(/^ready$/m, 30_000);
    await sleep(1_000);
    const samplesMs: number[] = [];
    for (let i = 0; i < count; i += 1) samplesMs.push(await addOne(pods, slice, i, pauseMs));
    return { samplesMs, ...(await endOf(caller)) };
  } finally {
    await Promise.all(running.map((each) => each.stop()));
  }
}

/** Ends a caller: what it has counted. */
export async function endOf(caller: RunningProcess): Promise<{ calls: number; failed: number }> {
  await caller.stop();
  const [, line] = await caller.waitFor(/^(\{"calls".*\})$/m);
  return JSON.parse(line as string) as { calls: number; failed: number };
}

/** One pod more for a moment, then one less, then a pause: ms until the new one is called. */
async function addOne(
  pods: BenchPods,
  slice: HandMadeSlice,
  i: number,
  pauseMs: number,
): Promise<number> {
  const ip = pods.ips[PODS + i] as string;
  const old = pods.ips.slice(i, i + PODS);
  const beganNs = process.hrtime.bigint();
  await slice.set([...old, ip]);
  const tookMs = await firstCallMs(pods, ip, beganNs);
  await slice.set([...old.slice(1), ip]);
  await sleep(pauseMs);
  return tookMs;
}

/** From then until an address got its first call; Infinity when it got none. */
export async function firstCallMs(pods: BenchPods, ip: string, beganNs: bigint): Promise<number> {
  for (let waitedMs = 0; waitedMs < LOST_MS; waitedMs += 5) {
    const atNs = pods.firstCallNs(ip);
    if (atNs !== null) return Number(atNs - beganNs) / 1e6;
    await sleep(5);
  }
  return Number.POSITIVE_INFINITY;
}

/** The slice of a Service without selector, written by hand: one write is one event. */
class HandMadeSlice {
  readonly #objects: Objects;

  constructor(objects: Objects) {
    this.#objects = objects;
  }

  async create(ips: readonly string[]): Promise<void> {
    await this.#objects.service("echo", [{ name: "grpc", port: PORT }], { selector: null });
    const ports = [{ name: "grpc", port: PORT, protocol: "TCP" }];
    await this.#objects.slice("echo-bench", "echo", { ports, endpoints: ips.map(endpointOf) });
  }

  async set(ips: readonly string[]): Promise<void> {
    await this.#objects.patchSlice("echo-bench", { endpoints: ips.map(endpointOf) });
  }
}

function endpointOf(ip: string) {
  return { addresses: [ip], conditions: { ready: true } };
}
