/**
 * The objects of a workload, made as a test or the lab wants them: nodes, Services, and pods that
 * become ready, terminate and go, each step on its own. It plays scheduler and kubelet.
 */
import type { Json } from "../../base/index.ts";
import type { ApiObject } from "./object.ts";
import type { Objects } from "./objects.ts";

/** A pod to be. */
export interface PodSpec {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly node: string;
  /** IPv4, IPv6 or both, the first one first. */
  readonly ips: readonly string[];
  /** Ports by name; all TCP. */
  readonly ports: Readonly<Record<string, number>>;
}

/** Steps of a workload in one namespace. All methods throw `ApiError`. */
export class Workload {
  readonly #objects: Objects;
  readonly #namespace: string;

  /** Makes the namespace when it does not exist. */
  constructor(objects: Objects, namespace: string) {
    this.#objects = objects;
    this.#namespace = namespace;
    if (!objects.store.get("Namespace", namespace)) {
      objects.create("Namespace", "", { metadata: { name: namespace } });
    }
  }

  /** A Node, in a zone unless that is "". */
  addNode(name: string, zone = ""): ApiObject {
    const labels = {
      "kubernetes.io/hostname": name,
      ...(zone === "" ? {} : { "topology.kubernetes.io/zone": zone }),
    };
    return this.#objects.create("Node", "", { metadata: { name, labels } });
  }

  /** A Service. */
  addService(name: string, spec: Json, labels: Readonly<Record<string, string>> = {}): ApiObject {
    return this.#objects.create("Service", this.#namespace, { metadata: { name, labels }, spec });
  }

  /** A pod on its node with its addresses, running and not ready. */
  addPod({ name, labels, node, ips, ports }: PodSpec): ApiObject {
    const list = Object.entries(ports).map(([port, containerPort]) => ({
      ...{ name: port, containerPort, protocol: "TCP" },
    }));
    this.#objects.create("Pod", this.#namespace, {
      metadata: { name, labels },
      spec: { nodeName: node, containers: [{ name: "main", image: "lab", ports: list }] },
    });
    return this.#setStatus(name, {
      ...{ phase: "Running", podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) },
      conditions: [{ type: "Ready", status: "False" }],
    });
  }

  /** Its readiness probe says so. */
  setReady(name: string, isReady: boolean): ApiObject {
    const status = isReady ? "True" : "False";
    return this.#setStatus(name, { conditions: [{ type: "Ready", status }] });
  }

  /** Somebody deletes the pod: it is Terminating, and serves on. */
  terminatePod(name: string): void {
    this.#objects.delete({ kind: "Pod", namespace: this.#namespace, name });
  }

  /** The kubelet is done with it: it is gone. */
  removePod(name: string): void {
    const at = { kind: "Pod", namespace: this.#namespace, name };
    this.#objects.delete(at, { gracePeriodSeconds: 0 });
  }

  #setStatus(name: string, status: Json): ApiObject {
    const at = { kind: "Pod", namespace: this.#namespace, name };
    return this.#objects.patch(at, { status }, { part: "status" });
  }
}
