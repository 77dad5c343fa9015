/**
 * Where the lab's addresses lie: on this machine's loopback, or as in a cluster in a network
 * namespace of the lab's own, where every address is free and nobody else is met.
 *
 * Loopback is what needs no rights. But rules of a sidecar leave it alone, as they must: what a
 * program dials there is in its own pod.
 */

/** The addresses of a lab. */
export interface PodNetwork {
  /** The first half of the pods' addresses: "127.0" for 127.0.1.1 and so on. */
  readonly podPrefix: string;
  /** Of the Service `echo`. */
  readonly clusterIp: string;
  /** Where a lab listens on its pods' port for as long as it is there: others take another port. */
  readonly portHolder: string;
  readonly apiServer: string;
  /** True in a network namespace of the lab's own: nothing outside reaches these addresses. */
  readonly isIsolated: boolean;
}

/** On loopback. */
export const LOOPBACK: PodNetwork = {
  podPrefix: "127.0",
  clusterIp: "127.0.96.1",
  portHolder: "127.0.95.1",
  apiServer: "127.0.0.1",
  isIsolated: false,
};

/** As clusters often have them. */
export const ISOLATED: PodNetwork = {
  podPrefix: "10.244",
  clusterIp: "10.96.0.10",
  portHolder: "10.96.0.2",
  apiServer: "10.96.0.1",
  isIsolated: true,
};

/** All addresses of `ISOLATED`, which are the namespace's own: anything may listen there. */
export const ISOLATED_RANGES = ["10.244.0.0/16", "10.96.0.0/16"];
