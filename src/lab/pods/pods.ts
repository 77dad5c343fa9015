/**
 * How the pods of a lab get their addresses: each has one of its own.
 *
 * Linux gives every process all of 127.0.0.0/8, so pod N has 127.0.1.N and all share one port, as
 * pods in a cluster do; in a network namespace of the lab's own it has 10.244.1.N. Where the system
 * has only 127.0.0.1 (macOS), pods get ports of their own.
 */
import net from "node:net";
import { LabError } from "../error.ts";
import type { ChildMessage, PodFailedMessage } from "../messages.ts";
import type { Child } from "../system/children.ts";
import type { Pod } from "./pod.ts";
import type { PodNetwork } from "./pod-network.ts";
import type { PodPlace, PodProcesses } from "./pod-processes.ts";

/** gRPC's customary port, and those tried after it when something else has it. */
const PORTS = [50_051, 50_052, 50_053, 50_054, 50_055, 50_056, 50_057, 50_058, 50_059, 50_060];

/** The pods of a lab as they started, and where Services may live beside them. */
export interface PodSet {
  readonly pods: readonly Pod[];
  /** Host and port for the ClusterIP stand-in; port 0 where the system has only 127.0.0.1. */
  readonly clusterIp: { readonly host: string; readonly port: number };
  /** Gives back the port that they share; the pods end with their processes. */
  release(): void;
}

/** Pods in one /24 of addresses, and /24s until addresses come again: those have long been free. */
const HOSTS_PER_NET = 250;
const NETS = 90;
/** By one pod, until one is free. */
const ADDRESSES_TRIED = 5;

function hostOf(index: number, { podPrefix }: PodNetwork): string {
  const net = 1 + (Math.floor(index / HOSTS_PER_NET) % NETS);
  return `${podPrefix}.${net}.${(index % HOSTS_PER_NET) + 1}`;
}

/**
 * Starts one more pod of a set, the one of an index from 0. The address that is its by its index
 * may be somebody's by now, for the set had no use for it when it took its port (another lab whose
 * first pods are gone): it then gets the like in the next /24. Throws `LabError` when it cannot
 * start.
 */
export async function startPod(
  processes: PodProcesses,
  name: string,
  index: number,
  { clusterIp: { host, port } }: Pick<PodSet, "clusterIp">,
  network: PodNetwork,
): Promise<Pod> {
  const hosts = Array.from({ length: ADDRESSES_TRIED }, (_, nth) =>
    port === 0 ? host : hostOf(index + nth * HOSTS_PER_NET, network),
  );
  for (const each of hosts) {
    const pods = await tryStart(processes, [{ name, host: each, port }]);
    if (pods) return pods[0]!;
  }
  throw new LabError(`${name}: port ${port} is taken on ${hosts.join(", ")}`);
}

/** Name of the pod of a number, from 1. */
export function podName(number: number): string {
  return `echo-${number}`;
}

/** Names of the first `count` pods: echo-1, echo-2, ... */
export function podNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => podName(index + 1));
}

/** Code of the first error when listening on `port` of all hosts, or "" if that can be done. */
export type PortProbe = (hosts: readonly string[], port: number) => Promise<string>;

/**
 * Starts all pods at once and resolves when all of them serve. When a port is taken the next common
 * one is tried, for all pods. Throws `LabError` when a pod cannot start.
 */
export async function startPods(
  processes: PodProcesses,
  names: readonly string[],
  network: PodNetwork,
  probe: PortProbe = probePort,
): Promise<PodSet> {
  const { podPrefix, clusterIp, portHolder } = network;
  const hosts = names.map((_, index) => hostOf(index, network));
  for (const port of PORTS) {
    const code = await probe([...hosts, clusterIp], port);
    if (code === "EADDRNOTAVAIL") return startOnOnePort(processes, names);
    if (code === "EADDRINUSE") continue;
    if (code !== "") throw new LabError(`pods cannot listen on ${podPrefix}.1.x:${port}: ${code}`);
    const release = await holdPort(portHolder, port);
    if (release === null) continue;
    const places = names.map((name, index) => ({ name, host: hosts[index]!, port }));
    const pods = await tryStart(processes, places).catch((error: unknown) => {
      release();
      throw error;
    });
    if (pods) return { pods, clusterIp: { host: clusterIp, port }, release };
    release();
  }
  throw new LabError(`ports ${PORTS[0]} to ${PORTS.at(-1)} are all taken on ${podPrefix}.1.x`);
}

async function startOnOnePort(processes: PodProcesses, names: readonly string[]): Promise<PodSet> {
  const host = "127.0.0.1";
  const pods = await tryStart(
    processes,
    names.map((name) => ({ name, host, port: 0 })),
  );
  if (!pods) throw new LabError("no free port on 127.0.0.1");
  return { pods, clusterIp: { host, port: 0 }, release: () => {} };
}

/** All pods, or null when one lost its port to somebody else meanwhile (then none is left). */
async function tryStart(
  processes: PodProcesses,
  places: readonly PodPlace[],
): Promise<readonly Pod[] | null> {
  const outcomes = await processes.start(places);
  const failures: PodFailedMessage[] = [];
  const pods: Pod[] = [];
  for (const outcome of outcomes) {
    if ("reason" in outcome) failures.push(outcome);
    else pods.push(outcome);
  }
  if (failures.length === 0) return pods;
  await Promise.all(pods.map((pod) => pod.end()));
  const failure = failures.find(({ code }) => code !== "EADDRINUSE");
  if (failure === undefined) return null;
  throw new LabError(failure.reason);
}

/** The first message of a child; a child that ends without one has failed. */
export function firstWord(child: Child): Promise<ChildMessage> {
  return new Promise((resolve) => {
    child.onMessage(resolve);
    child.ended.then(() => {
      resolve({ type: "failed", code: "", reason: `${child.label} ${child.endReason}` });
    });
  });
}

/**
 * Has a port until it is released; null when another lab has it. Its pods may have left all the
 * addresses that ours would have, as after a roll, and still the port is that lab's.
 */
function holdPort(host: string, port: number): Promise<(() => void) | null> {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => socket.destroy());
    server.once("error", () => resolve(null));
    server.listen(port, host, () => {
      server.unref();
      resolve(() => server.close());
    });
  });
}

async function probePort(hosts: readonly string[], port: number): Promise<string> {
  const codes = await Promise.all(
    hosts.map(
      (host) =>
        new Promise<string>((resolve) => {
          const server = net.createServer();
          server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
          server.listen(port, host, () => server.close(() => resolve("")));
        }),
    ),
  );
  return codes.find((code) => code === "EADDRNOTAVAIL") ?? codes.find((code) => code !== "") ?? "";
}
