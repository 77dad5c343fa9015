/**
 * What a lane is: one of the ways that the lab compares. It says what a client dials, over whose
 * channel, and starts what has to run in between; it knows nothing of load or figures.
 */
import type { Clock } from "../../base/index.ts";
import type { CalledMethods, KubernetesAccess } from "../messages.ts";
import type { Deployment } from "../pods/deployment.ts";
import type { Child, Children } from "../system/children.ts";
import type { ClusterIpBy, ReplicaView } from "../view.ts";
import type { Chooser } from "../why/index.ts";

/** What decides whether a lane can run, known before anything has started. */
export interface LaneSite {
  /** Why there is no network namespace of the lab's own, or null. */
  readonly whyNoNetns: string | null;
  /** All pods serve on one port, as in a cluster; where a system has only 127.0.0.1 they do not. */
  readonly hasOnePort: boolean;
  readonly clusterIpBy: ClusterIpBy;
}

/** What a lane may use. */
export interface LaneEnv extends LaneSite {
  readonly pods: Deployment;
  /** Resolves when the first pods serve: what needs none of them may start before. */
  readonly podsReady: Promise<void>;
  /** Of the DNS server: ip:port. */
  readonly dns: string;
  /** How the API server is found. */
  readonly kubernetes: KubernetesAccess;
  /** What the lane starts ends with it. */
  readonly children: Children;
  readonly clock: Clock;
  /** The `fairlead` command and its first arguments; `bin/fairlead` except in tests. */
  readonly fairlead: readonly string[];
  /** Proxy replicas find each other and even out their connections. */
  readonly hasPeers: boolean;
  /** The lane's client, which runs and has yet to be told what to dial. */
  readonly client: Child;
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
  /** Of fairlead's channel to one pod, as its limit of streams is reached (gRFC A105); else 1. */
  readonly connectionsPerPod?: number;
  /** What the client calls; Say unless given. */
  readonly calls?: CalledMethods;
  /** Proxies between client and pods that may become more. */
  readonly replicas?: Replicas;
  /** The client is this program of `programs/` instead of "caller". */
  readonly program?: string;
  /** Who chooses the pod of a call, for those who ask why; without, nobody who tells. */
  readonly chooser?: Chooser;
  /**
   * Takes back what the lane holds of others and ends what is no child of its: subscriptions,
   * timers, files. Its children are ended by whoever gave it `LaneEnv.children`. Never throws.
   */
  close?(): Promise<void>;
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
  /** Its word on the command line, or a scenario's own for a lane that it changed. */
  readonly name: string;
  readonly title: string;
  /** How the client dials, for people. */
  readonly how: string;
  /** Its client is alone in a network namespace, where the lab has one. */
  readonly hasOwnNetns?: boolean;
  /** The lab's policy is at work in it: it is told by the Service's annotation. */
  readonly hasPolicy?: boolean;
  /**
   * Why it cannot run here, in a sentence, or null; without it, a lane runs everywhere. Cheap, and
   * asked before anything starts.
   */
  whyNot?(site: LaneSite): string | null;
  /**
   * Starts what stands between client and pods; only where `whyNot` answers null. Throws `LabError`
   * with the reason if it cannot. May be called again after its `Dial.close`.
   */
  open(env: LaneEnv): Promise<Dial>;
}

/**
 * What a policy is told beside its name. weighted_round_robin (gRFC A58) ignores the weights of a
 * connection's first 10 s unless told otherwise: whoever makes a pod slow just after the start
 * would see nothing for that long. A pod that has just begun is slow for a moment, which is not to
 * count.
 */
const SETTINGS: Readonly<Record<string, object>> = {
  weighted_round_robin: { blackoutPeriod: "5s" },
};

/** The entry of `loadBalancingConfig` for a policy. */
export function policyEntry(policy: string): Readonly<Record<string, object>> {
  return { [policy]: SETTINGS[policy] ?? {} };
}

/** Service config that names a policy. */
export function policyConfig(policy: string): string {
  return JSON.stringify({ loadBalancingConfig: [policyEntry(policy)] });
}

/** Service config of stock clients that are to balance. */
export const ROUND_ROBIN = policyConfig("round_robin");
