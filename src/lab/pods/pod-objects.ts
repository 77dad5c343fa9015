/**
 * The API objects of a lab's pods: nodes, Services, and a Pod for each process. It knows names and
 * addresses, and no process.
 */
import { type ApiObject, type Objects, Workload } from "../cluster/index.ts";
import type { PodSet } from "./pods.ts";

/** The namespace of the lab's objects. */
export const NAMESPACE = "lab";
/** The Service with a ClusterIP, and the headless one. */
export const SERVICES = { clusterIp: "echo", headless: "echo-headless" } as const;
/** The pods, to whoever can read EndpointSlices. */
export const LAB_TARGET = `kubernetes:///${SERVICES.clusterIp}.${NAMESPACE}:grpc`;
const ZONES = ["a", "b", "c"];
const LABELS = { app: "echo" };

/** What a pod's object is made of. */
export interface PodIdentity {
  /** From 1; nodes are given in turn. */
  readonly number: number;
  readonly name: string;
}

/** The objects. All methods throw `ApiError`. */
export class PodObjects {
  readonly #workload: Workload;

  constructor(objects: Objects) {
    this.#workload = new Workload(objects, NAMESPACE);
  }

  /** Nodes and Services. */
  addServices({ host, port }: PodSet["clusterIp"]): void {
    for (const zone of ZONES) this.#workload.addNode(`node-${zone}`, zone);
    const ports = [{ name: "grpc", port: port || 50_051, targetPort: "grpc" }];
    const spec = { selector: LABELS, ports };
    this.#workload.addService(SERVICES.clusterIp, { ...spec, clusterIP: host });
    this.#workload.addService(SERVICES.headless, { ...spec, clusterIP: "None" });
  }

  /** A pod that serves at `address`, and is ready. */
  addReady({ number, name }: PodIdentity, address: string): ApiObject {
    const colon = address.lastIndexOf(":");
    this.#workload.addPod({
      ...{ name, labels: LABELS },
      node: `node-${ZONES[(number - 1) % ZONES.length]}`,
      ips: [address.slice(0, colon)],
      ports: { grpc: Number(address.slice(colon + 1)) },
    });
    return this.setReady(name, true);
  }

  /** What its readiness probe says. */
  setReady(name: string, isReady: boolean): ApiObject {
    return this.#workload.setReady(name, isReady);
  }

  /** It is deleted, and serves on for a while. */
  terminate(name: string): void {
    this.#workload.terminatePod(name);
  }

  /** It is gone. */
  remove(name: string): void {
    this.#workload.removePod(name);
  }
}
