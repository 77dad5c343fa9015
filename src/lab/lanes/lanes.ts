/**
 * The ways that the lab compares: for each, what a stub of grpc-js is told to dial, over whose
 * channel, and what has to run in between. A lane knows nothing of load or figures.
 */
import type { Clock } from "../../base/index.ts";
import type { Child, Children } from "../children.ts";
import { LabError } from "../error.ts";
import type { KubernetesAccess } from "../messages.ts";
import type { LaneName } from "../options.ts";
import type { Deployment } from "../pods/deployment.ts";
import { LAB_TARGET, NAMESPACE, SERVICES } from "../pods/pod-objects.ts";
import type { ReplicaView } from "../view.ts";
import { startClusterIp } from "./clusterip-relay.ts";
import { NESTED } from "./nested.ts";
import { startProxy } from "./proxy-process.ts";
import { PROXYLESS } from "./proxyless.ts";
import { SIDECAR } from "./sidecar.ts";

const ROUND_ROBIN = policyConfig("round_robin");

/** What a lane may use. */
export interface LaneEnv {
  readonly pods: Deployment;
  /** Resolves when the first pods serve: what needs none of them may start before. */
  readonly podsReady: Promise<void>;
  /** Of the DNS server: ip:port. */
  readonly dns: string;
  /** How the API server is found. */
  readonly kubernetes: KubernetesAccess;
  readonly children: Children;
  readonly clock: Clock;
  /** The `fairlead` command and its first arguments; `bin/fairlead` except in tests. */
  readonly fairlead: readonly string[];
  /** Of fairlead's lanes: "weighted_round_robin". */
  readonly policy: string;
  /** Proxy replicas find each other and even out their connections. */
  readonly hasPeers: boolean;
  /** The lane's client, which runs and has yet to be told what to dial. */
  readonly client: Child;
  /** Why there is no network namespace of the lab's own, or null. */
  readonly whyNoNetns: string | null;
  /** To be called when something between client and pods has ended by itself. */
  onBroken(reason: string): void;
}

/** What the caller of a lane dials. */
export interface Dial {
  readonly target: string;
  /** Service config JSON, or "" for none. */
  readonly serviceConfig: string;
  /** How many connections to pods, or to what stands before them, it holds when it is ready. */
  readonly connections: number;
  /** For fairlead's channel, which watches the API server; without: grpc-js' own channel. */
  readonly kubernetes?: KubernetesAccess;
  /** For a client of xDS: its bootstrap, JSON. */
  readonly xdsBootstrap?: string;
  /** How many channels share the load in turn; 1 unless given. */
  readonly channels?: number;
  /** Proxies between client and pods that may become more. */
  readonly replicas?: Replicas;
}

/** Proxy replicas of a lane. */
export interface Replicas {
  /** As they were at the last look at their metrics. */
  readonly views: readonly ReplicaView[];
  /** One more; resolves with its name. Throws `LabError` when there can be none. */
  add(): Promise<string>;
  /** Looks at their metrics. */
  refresh(): Promise<void>;
  /** The load is over: no more looks. */
  close(): void;
}

/** One way to reach the pods. */
export interface Lane {
  readonly name: LaneName;
  readonly title: string;
  /** How the client dials, for people. */
  readonly how: string;
  /** Its client is alone in a network namespace, where the lab has one. */
  readonly hasOwnNetns?: boolean;
  /** Starts what stands between client and pods. Throws `LabError` with the reason if it cannot. */
  open(env: LaneEnv): Promise<Dial>;
}

const CLUSTERIP: Lane = {
  name: "clusterip",
  title: "ClusterIP Service",
  how: "stock grpc-js, one channel to the ClusterIP",
  async open(env) {
    const { pods, podsReady } = env;
    await podsReady;
    const addresses = (): string[] => pods.ready.map((pod) => pod.address);
    const service = await startClusterIp("the ClusterIP", pods.clusterIp, addresses(), env);
    // Pods that came before it listened, and all that come and go from now on.
    const follow = (): void => service.follow(addresses());
    follow();
    pods.onChange(follow);
    return { target: service.address, serviceConfig: "", connections: 1 };
  },
};

const STATIC: Lane = {
  name: "static",
  title: "All pods listed",
  how: "stock grpc-js, round_robin over all pods",
  async open({ pods, podsReady }) {
    await podsReady;
    const list = pods.ready.map((pod) => pod.address);
    return {
      target: `ipv4:${list.join(",")}`,
      serviceConfig: ROUND_ROBIN,
      connections: list.length,
    };
  },
};

const HEADLESS: Lane = {
  name: "headless",
  title: "Headless Service",
  how: "stock grpc-js, dns:/// and round_robin",
  async open({ pods, podsReady, dns }) {
    await podsReady;
    const { port } = pods.clusterIp;
    if (port === 0) {
      throw new LabError("DNS tells no ports, and on this system the pods have different ones");
    }
    const name = `${SERVICES.headless}.${NAMESPACE}.svc.cluster.local`;
    return {
      target: `dns://${dns}/${name}:${port}`,
      serviceConfig: ROUND_ROBIN,
      connections: pods.ready.length,
    };
  },
};

const CLIENT: Lane = {
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

const PROXY: Lane = {
  name: "proxy",
  title: "fairlead proxy",
  how: "stock grpc-js, one connection to fairlead proxy, which balances",
  async open(env) {
    const { kubeconfig } = env.kubernetes;
    const { child, address } = await startProxy("fairlead proxy", { ...env, kubeconfig });
    child.ended.then(() => env.onBroken(`${child.label} ${child.endReason}`));
    await env.podsReady;
    return { target: address, serviceConfig: "", connections: 1 };
  },
};

/** All lanes by name. */
export const LANES: Readonly<Record<LaneName, Lane>> = {
  clusterip: CLUSTERIP,
  static: STATIC,
  headless: HEADLESS,
  client: CLIENT,
  proxy: PROXY,
  nested: NESTED,
  proxyless: PROXYLESS,
  sidecar: SIDECAR,
};

/** Service config that names a policy. */
function policyConfig(policy: string): string {
  return JSON.stringify({ loadBalancingConfig: [{ [policy]: {} }] });
}
