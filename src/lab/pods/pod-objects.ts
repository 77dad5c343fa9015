/**
 * The API objects of a lab's pods: nodes, Services, and a Pod for each process. It knows names and
 * addresses, and no process.
 */
import { type ApiObject, type Objects, Workload } from "../cluster/index.ts";
import { http1Port } from "./http1-server.ts";
import type { Pod } from "./pod.ts";
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

/** Where it serves: ip:port for gRPC, and for HTTP/1.1. */
export type PodAddresses = Pick<Pod, "address" | "http1Address">;

/** The objects. All methods throw `ApiError`. */
export class PodObjects {
  readonly #workload: Workload;

  constructor(objects: Objects) {
    this.#workload = new Workload(objects, NAMESPACE);
  }

  /** Nodes and Services. */
  addServices({ host, port }: PodSet["clusterIp"]): void {
    for (const zone of ZONES) this.#workload.addNode(`node-${zone}`, zone);
    const grpcPort = port || 50_051;
    const ports = [
      { name: "grpc", port: grpcPort, targetPort: "grpc" },
      { name: "http", port: http1Port(grpcPort), targetPort: "http" },
    ];
    const spec = { selector: LABELS, ports };
    this.#workload.addService(SERVICES.clusterIp, { ...spec, clusterIP: host });
    this.#workload.addService(SERVICES.headless, { ...spec, clusterIP: "None" });
  }

  /** A pod that serves at these addresses, and is ready. */
  addReady({ number, name }: PodIdentity, pod: PodAddresses): ApiObject {
    const { host, port } = parse(pod.address);
    this.#workload.addPod({
      ...{ name, labels: LABELS },
      node: `node-${ZONES[(number - 1) % ZONES.length]}`,
      ips: [host],
      ports: { grpc: port, http: parse(pod.http1Address).port },
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

function parse(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
