/**
 * What the suite needs of a cluster, real or the lab's: its API, its addresses, and its faults.
 *
 * A cluster has the API server, its store and the controller that writes EndpointSlices. Nodes and
 * pods are objects only; who wants a pod to answer starts a server on its address.
 */
import type { Socket } from "node:net";
import type { SkippableTest } from "../peers/find.ts";
import type { RunningProcess, StartOptions } from "../peers/processes.ts";
import type { Account } from "./accounts.ts";
import type { Api } from "./api.ts";
import type { Objects } from "./objects.ts";

/** See the head of this file. */
export interface TestCluster {
  readonly kind: "real" | "lab";
  /** Of one who may do all. */
  readonly api: Api;
  /** A kubeconfig of the same. */
  readonly kubeconfig: string;
  /** Makes a Node in a zone. */
  node(name: string, zone: string): Promise<void>;
  /** A new namespace. */
  namespace(name: string): Promise<Objects>;
  /**
   * Installs the kinds of the Gateway API, unless they are; false when what is needed for that is
   * not here: the test is then skipped by name.
   */
  installGatewayApi(t: SkippableTest): Promise<boolean>;
  /** An address that no pod had, on which what `launch` starts may listen. */
  nextIp(): string;
  /** The same of IPv6; in the lab nothing can listen there. */
  nextIpv6(): string;
  /** Starts a program where the cluster's addresses are. */
  launch(path: string, args: readonly string[], options?: StartOptions): RunningProcess;
  /** A TCP connection to an address of the cluster. */
  dial(host: string, port: number): Socket;
  /** The target of a full name, as the cluster's own DNS server knows it. */
  dnsTarget(name: string, port: string | number): string;
  /** Somebody new without any rights. */
  account(objects: Objects, name: string): Promise<Account>;
  /** The API server stops answering; its connections stay (half-open). */
  pause(): void;
  /** It answers again. */
  resume(): void;
  /**
   * The API server dies and comes back. Meanwhile `whileAway` may change objects, and the store
   * forgets the history: old resourceVersions are gone (410).
   */
  outage(whileAway?: () => Promise<void>): Promise<void>;
  /** Ends everything that it started. */
  close(): Promise<void>;
}
