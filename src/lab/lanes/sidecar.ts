/**
 * The lane `sidecar`: a client that dials the ClusterIP as ever, in a pod whose sidecar takes its
 * connection over, by the rules of `fairlead capture-rules` and a `fairlead proxy --mode sidecar`.
 *
 * The pod is a second network namespace, the client's own, beside the lab's: rules belong to one
 * pod there, too, and no other lane meets them. Both ends of a pair of interfaces join the two. It
 * ends with the client and the proxy, its interfaces and rules with it.
 */
import type { Clock } from "../../base/index.ts";
import { LabError } from "../error.ts";
import type { Child } from "../system/children.ts";
import { netnsOf, rulesFlavour } from "../system/netns.ts";
import { runIp, runTool } from "../system/netns-inside.ts";
import { breaksWithout } from "./broken.ts";
import type { Lane, LaneEnv } from "./lane.ts";
import { loggedAddress, loggedLine } from "./proxy-process.ts";

/** The end of the pair in the lab's namespace, which is the pod's gateway, and that in the pod. */
const GATEWAY = { device: "client", ip: "10.245.1.1" };
const POD = { device: "eth0", ip: "10.245.1.2" };
/**
 * The group of the proxy, by which the rules leave its own connections alone. An injected sidecar
 * is told by its user; ours stays root, to read a checkout that only root can.
 */
const PROXY_GID = 15_001;
/** unshare(1) takes milliseconds; on a busy machine it may wait for its turn. */
const POD_TIMEOUT_MS = 10_000;
const POD_POLL_MS = 10;

/** The lane. */
export const SIDECAR: Lane = {
  name: "sidecar",
  title: "Sidecar",
  how: "stock grpc-js, one channel to the ClusterIP; rules bring it to fairlead proxy",
  hasPolicy: true,
  hasOwnNetns: true,
  whyNot: ({ whyNoNetns }) => whyNoNetns,
  async open(env) {
    const inPod = await joinPod(env.client, env.clock);
    const [admin] = await Promise.all([startSidecar(env, inPod), applyRules(env, inPod)]);
    const { host, port } = env.pods.clusterIp;
    const all = [{ name: "its sidecar", admin }];
    const chooser = { by: "proxies", all: () => all } as const;
    return { target: `${host}:${port}`, serviceConfig: "", connections: 1, chooser };
  },
};

/** Joins the client's network to ours. Resolves with the words that run a command in it. */
async function joinPod(client: Child, clock: Clock): Promise<readonly string[]> {
  await ownNetns(client, clock);
  const pid = String(client.pid);
  const inPod = ["nsenter", `--target=${pid}`, "--net", "--"];
  const [nsenter, ...words] = inPod as [string, ...string[]];
  const runIpInPod = (...args: string[]) => runTool(nsenter, [...words, "ip", ...args]);
  const peer = ["peer", "name", POD.device, "netns", pid];
  await runIp("link", "add", GATEWAY.device, "type", "veth", ...peer);
  await runIp("addr", "add", `${GATEWAY.ip}/24`, "dev", GATEWAY.device);
  await runIp("link", "set", GATEWAY.device, "up");
  await runIpInPod("link", "set", "lo", "up");
  await runIpInPod("addr", "add", `${POD.ip}/24`, "dev", POD.device);
  await runIpInPod("link", "set", POD.device, "up");
  await runIpInPod("route", "add", "default", "via", GATEWAY.ip);
  return inPod;
}

/** Resolves when the client has a network other than ours: before, it is still in ours. */
async function ownNetns(client: Child, clock: Clock): Promise<void> {
  const untilMs = clock.nowMs() + POD_TIMEOUT_MS;
  for (;;) {
    const theirs = client.pid === undefined ? null : netnsOf(client.pid);
    if (theirs !== null && theirs !== netnsOf("self")) return;
    if (theirs === null) throw new LabError(`${client.label} ${client.endReason}`);
    if (clock.nowMs() >= untilMs) throw new LabError(`${client.label} has no network of its own`);
    await new Promise<void>((resolve) => clock.setTimer(POD_POLL_MS, resolve));
  }
}

async function applyRules(
  { children, fairlead }: LaneEnv,
  inPod: readonly string[],
): Promise<void> {
  const child = children.command("fairlead capture-rules", [
    ...[...inPod, ...fairlead, "capture-rules", "--mode", "sidecar", "--inbound-port", "0"],
    ...["--gid", String(PROXY_GID), "--flavour", rulesFlavour() ?? "nftables", "--apply"],
  ]);
  await child.ended;
  if (!child.hasSucceeded) throw new LabError(`${child.label} ${child.endReason}`);
}

/** Resolves when it would take connections over, with the address of its admin endpoint. */
async function startSidecar(env: LaneEnv, inPod: readonly string[]): Promise<string> {
  const { children, clock, fairlead, kubernetes, podsReady } = env;
  // With the first pods there is the Service, which the proxy is to know from its start.
  await podsReady;
  const sidecar = [
    ...["proxy", "--mode", "sidecar", "--inbound-port", "0"],
    ...["--kubeconfig", kubernetes.kubeconfig, "--log-level", "info"],
    // Reached from outside the pod, by the lab alone: nobody else is in these networks.
    ...["--admin", `${POD.ip}:0`],
  ];
  const command = [...inPod, ...fairlead, ...sidecar];
  const child = children.command("fairlead proxy", command, { gid: PROXY_GID });
  const [admin] = await Promise.all([
    loggedAddress(child, clock, "admin"),
    loggedLine(child, clock, "Services known"),
  ]).catch(async (error) => {
    await children.end(child);
    throw error;
  });
  breaksWithout(child, env);
  return admin;
}
