/**
 * What the lab and its child processes say to each other over their IPC channel, as plain JSON.
 * Types and words: importing this file loads nothing.
 */
import type { CarriedMessage, KnownMessage, WhyMessage } from "./why/messages.ts";

/** A child's first word: it serves on `port` of the host it was given. */
export interface ListeningMessage {
  readonly type: "listening";
  readonly port: number;
}

/** A child's last word: why it cannot do its work. `code` is the system's ("EADDRINUSE") or "". */
export interface FailedMessage {
  readonly type: "failed";
  readonly code: string;
  readonly reason: string;
}

/** How a child finds the API server. */
export interface KubernetesAccess {
  /** A kubeconfig file. */
  readonly kubeconfig: string;
  /** The server's ip:port. */
  readonly server: string;
}

/**
 * What a caller calls: the lab's own Say; PetService.Ping, as `cmd/client` of the pets does; or
 * api.Echo and api.Reverse in turn, as the tutorial with Envoy has them.
 */
export const CALLED_METHODS = ["say", "ping", "echo-reverse"] as const;
/** One of them. */
export type CalledMethods = (typeof CALLED_METHODS)[number];

/** Lab to caller: what to dial, and the load to make once `start` comes. */
export interface DialMessage {
  readonly type: "dial";
  /** A gRPC target, as the channel takes it. */
  readonly target: string;
  /** Service config JSON, or "" for grpc-js' own default (pick_first). */
  readonly serviceConfig: string;
  /** TCP connections to wait for before `ready`, so that the first calls see the whole set. */
  readonly connections: number;
  /** Fairlead's channel is under the stub, and finds endpoints there; null: grpc-js' own. */
  readonly kubernetes: KubernetesAccess | null;
  /** The client is told by xDS, with this bootstrap; null: it is not. */
  readonly xdsBootstrap: string | null;
  /** How many channels share the load in turn, each with connections of its own. */
  readonly channels: number;
  /** Of fairlead's channel to one pod, as its limit of streams is reached (gRFC A105). */
  readonly connectionsPerPod: number;
  readonly calls: CalledMethods;
  readonly callsPerSecond: number;
  readonly inFlightMax: number;
}

/** Lab to caller: begin the load, or end it (the calls in flight finish first). */
export interface SwitchMessage {
  readonly type: "start" | "stop";
}

/** Lab to caller, at any time: the load from now on. */
export interface LoadMessage {
  readonly type: "load";
  readonly callsPerSecond: number;
  readonly inFlightMax: number;
}

/** Caller to lab: the channel is connected. */
export interface ReadyMessage {
  readonly type: "ready";
  /** Which of several programs it is, for people; absent where there is one. */
  readonly client?: string;
}

/** Caller to lab, every 100 ms and once at the end: what happened since the last report. */
export interface ReportMessage {
  readonly type: "report";
  /** Answered calls by the name in the answer. */
  readonly perPod: Readonly<Record<string, number>>;
  readonly failed: number;
  /** Code and details of the last failed call, or "". */
  readonly lastFailure: string;
  /** Whole microseconds per answered call; none for calls of the first half second of the load. */
  readonly latenciesUs: readonly number[];
  /** Open TCP connections of this process at this moment, but for those to the API server. */
  readonly connections: number;
  /**
   * When the first call that a pod answered was answered, by its name: ms since 1970 (epoch).
   * Each pod is told once in the life of the client.
   */
  readonly firstAnswers: Readonly<Record<string, number>>;
  /** Calls that the rate owed and that were given up: client, pods or machine were behind. */
  readonly givenUp: number;
  /** Processor time of this process since the last report, user and system. */
  readonly cpuMs: number;
  /** How late its timers were, on average: more than a few ms is a machine that is short. */
  readonly lagMs: number;
  /** True in the last report. */
  readonly final: boolean;
}

/** Lab to ClusterIP relay: the pods that new connections may go to. */
export interface PodsMessage {
  readonly type: "pods";
  /** ip:port of each. */
  readonly addresses: readonly string[];
}

/** How a pod serves. */
export interface PodConduct {
  /** Calls take so many times their usual time. */
  readonly slowFactor: number;
  /** What its health service says: SERVING or NOT_SERVING. Calls are answered either way. */
  readonly isServing: boolean;
  /** Calls are answered with UNAVAILABLE; the health service says what it said. */
  readonly isSick: boolean;
}

/** Lab to a pod's process: one more pod is to serve in it. `port` 0: any. */
export interface PodStartMessage {
  readonly type: "pod-start";
  readonly pod: string;
  readonly host: string;
  readonly port: number;
}

/** Lab to a pod's process: how one of its pods is to serve from now on. */
export interface BehaveMessage extends PodConduct {
  readonly type: "behave";
  readonly pod: string;
}

/**
 * Lab to a pod's process: one of its pods is to go, alone; after its open calls (what SIGTERM says
 * to all of them), or at once with all its connections reset.
 */
export interface PodGoMessage {
  readonly type: "pod-end" | "pod-kill";
  readonly pod: string;
}

/** A pod's process to lab: the pod serves. */
export interface PodServesMessage {
  readonly type: "pod-serves";
  readonly pod: string;
  /** ip:port */
  readonly address: string;
  /** ip:port of its HTTP/1.1 server. */
  readonly http1Address: string;
}

/** A pod's process to lab: the pod cannot serve. `code` as in `FailedMessage`. */
export interface PodFailedMessage {
  readonly type: "pod-failed";
  readonly pod: string;
  readonly code: string;
  readonly reason: string;
}

/** A pod's process to lab: the pod is gone, and the process goes on. */
export interface PodGoneMessage {
  readonly type: "pod-gone";
  readonly pod: string;
}

/** Lab to kubelet: the pods whose readiness it watches. */
export interface ProbeMessage {
  readonly type: "probe";
  readonly pods: readonly ProbedPod[];
}

/** A pod whose readiness is watched. */
export interface ProbedPod {
  readonly name: string;
  readonly address: string;
  /** Where it stood when it was last heard of. */
  readonly isReady: boolean;
}

/** Kubelet to lab: a pod turned ready, or not ready. */
export interface ProbedMessage {
  readonly type: "probed";
  readonly name: string;
  readonly isReady: boolean;
}

/** From inside a network namespace to the process outside: listen there, and pass the socket in. */
export interface ListenMessage {
  readonly type: "listen";
  readonly host: string;
  readonly port: number;
}

/** From outside: the user wants an end; or the answer to `listen`, with the socket or a reason. */
export type OutsideMessage =
  | { readonly type: "stop" }
  | { readonly type: "listening" }
  | { readonly type: "not-listening"; readonly code: string; readonly reason: string };

/** Everything a child says. */
export type ChildMessage =
  | ListeningMessage
  | FailedMessage
  | ReadyMessage
  | ReportMessage
  | ProbedMessage
  | PodServesMessage
  | PodFailedMessage
  | PodGoneMessage
  | KnownMessage
  | CarriedMessage;
/** Everything a child is told. */
export type OrderMessage = CallerMessage | PodsMessage | WhyMessage | PodOrder | ProbeMessage;
/** Everything a pod's process is told. */
export type PodOrder = PodStartMessage | BehaveMessage | PodGoMessage;
/** Everything a caller is told. */
export type CallerMessage = DialMessage | SwitchMessage | LoadMessage | WhyMessage;
