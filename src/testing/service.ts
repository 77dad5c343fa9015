/**
 * A Service of the test's own, and pods whose servers the test runs: objects of the API server, and
 * no process.
 *
 * Pods may have ports of their own, because the Service's port points to theirs by name
 * (`targetPort`), as Kubernetes allows; the controller then writes a slice for each port.
 */
import { isIP } from "node:net";
import { type Objects, Workload } from "../lab/index.ts";
import {
  checkAddress,
  checkFlag,
  checkKeys,
  checkText,
  checkTexts,
  checkWhole,
  show,
} from "./check.ts";
import type { PodOptions, ServiceOptions, ServicePod, TestService } from "./types.ts";

const SERVICE_OPTIONS = ["namespace", "port", "portName", "clusterIp", "annotations"];
const POD_OPTIONS = ["address", "name", "isReady", "zone"];
/** The node of pods that name no zone. */
const NODE = "node-1";

/** Creates one. Throws the API server's error for what a cluster would refuse, too. */
export function newService(
  objects: Objects,
  name: string,
  options: ServiceOptions = {},
): TestService {
  checkKeys(`addService(${show(name)})`, options, SERVICE_OPTIONS);
  return new Service(objects, name, options);
}

class Service implements TestService {
  readonly name: string;
  readonly namespace: string;
  readonly #portName: string;
  readonly #objects: Objects;
  readonly #workload: Workload;
  readonly #pods = new Map<string, ServicePod>();
  #numbered = 0;

  constructor(objects: Objects, name: string, options: ServiceOptions) {
    const { namespace = "default", portName = "grpc", clusterIp = "None" } = options;
    const port = checkWhole("port", options.port ?? 50_051, 1, 65_535);
    checkText("namespace", namespace);
    checkText("portName", portName);
    checkClusterIp(clusterIp);
    this.name = name;
    this.namespace = namespace;
    this.#portName = portName;
    this.#objects = objects;
    const annotations = checkTexts("annotations", options.annotations ?? {});
    this.#workload = new Workload(objects, namespace);
    const ports = [{ name: portName, port, targetPort: portName }];
    objects.create("Service", namespace, {
      metadata: { name, annotations },
      spec: { selector: this.#labels, clusterIP: clusterIp, ports },
    });
  }

  get #labels(): Readonly<Record<string, string>> {
    return { app: this.name };
  }

  get target(): string {
    return `kubernetes:///${this.name}.${this.namespace}:${this.#portName}`;
  }

  get dnsName(): string {
    return `${this.name}.${this.namespace}.svc.cluster.local`;
  }

  get pods(): readonly ServicePod[] {
    return [...this.#pods.values()];
  }

  addPod(given: string | PodOptions): ServicePod {
    const options = typeof given === "string" ? { address: given } : given;
    checkKeys("addPod", options, POD_OPTIONS);
    const { address, isReady = true, zone = "" } = options;
    const { ip, port } = checkAddress("addPod", address);
    checkFlag("isReady", isReady);
    checkText("zone", zone);
    this.#numbered += 1;
    const name = checkText("name", options.name ?? `${this.name}-${this.#numbered}`);
    const workload = this.#workload;
    const node = this.#nodeIn(zone);
    workload.addPod({
      ...{ name, labels: this.#labels, node, ips: [ip] },
      ports: { [this.#portName]: port },
    });
    if (isReady) workload.setReady(name, true);
    const pod: ServicePod = {
      ...{ name, address },
      setReady: (isReady) => void workload.setReady(name, checkFlag("setReady", isReady)),
      terminate: () => workload.terminatePod(name),
      remove: () => {
        if (!this.#pods.delete(name)) return;
        workload.removePod(name);
      },
    };
    this.#pods.set(name, pod);
    return pod;
  }

  remove(): void {
    for (const pod of this.pods) pod.remove();
    const { namespace, name } = this;
    if (this.#objects.store.get("Service", `${namespace}/${name}`) === undefined) return;
    this.#objects.delete({ kind: "Service", namespace, name });
  }

  #nodeIn(zone: string): string {
    const name = zone === "" ? NODE : `node-${zone}`;
    if (!this.#objects.store.get("Node", name)) this.#workload.addNode(name, zone);
    return name;
  }
}

function checkClusterIp(given: unknown): void {
  if (given === "None" || (typeof given === "string" && isIP(given) !== 0)) return;
  throw new RangeError(`clusterIp: ${show(given)}, must be "None" or an IP address`);
}
