/**
 * What a test does to the objects of a namespace: Services, Pods and slices, step by step as a
 * scheduler, a kubelet and a user would, whose parts the test plays. What follows from it, the
 * EndpointSlices, is written by the cluster's own controller.
 */
import type { Api, Json } from "./api.ts";

/** A port of a Service as the API has it. */
export interface PortSpec {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly protocol?: string;
}

/** A Pod that a test makes. */
export interface PodSpec {
  /** On which Node; "" for one that is not scheduled. */
  readonly node: string;
  /** One of each family at most; without any the pod is in no slice. */
  readonly ips: readonly string[];
  /** `{ app: "echo" }` unless given. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Names of its ports, for Services that aim at a name. */
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  /** False unless given. */
  readonly isReady?: boolean;
}

/** An EndpointSlice, as far as tests read it. */
export interface SliceJson {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly addressType: string;
  readonly endpoints?: readonly SliceEndpointJson[] | null;
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[] | null;
}

/** One endpoint of it. */
export interface SliceEndpointJson {
  readonly addresses: readonly string[];
  readonly conditions?: {
    readonly ready?: boolean;
    readonly serving?: boolean;
    readonly terminating?: boolean;
  };
  readonly nodeName?: string;
  readonly zone?: string;
  readonly targetRef?: { readonly name: string; readonly uid: string };
  readonly hints?: {
    readonly forZones?: readonly { readonly name: string }[];
    readonly forNodes?: readonly { readonly name: string }[];
  };
}

const SLICES = "/apis/discovery.k8s.io/v1";
/** A pod that is deleted stays as long as its kubelet, the test, wishes. */
const GRACE_SECONDS = 3600;

/** Makes a Node with the labels that slices and `--node` read. */
export async function createNode(api: Api, name: string, zone: string): Promise<void> {
  const labels = { "topology.kubernetes.io/zone": zone, "kubernetes.io/hostname": name };
  await api.post("/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name, labels } });
  await api.patch(`/api/v1/nodes/${name}/status`, {
    status: {
      conditions: [{ type: "Ready", status: "True" }],
      allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
    },
  });
}

/** The objects of one namespace. */
export class Objects {
  readonly namespace: string;
  readonly #api: Api;

  constructor(api: Api, namespace: string) {
    this.#api = api;
    this.namespace = namespace;
  }

  /** Makes the namespace itself. */
  async create(): Promise<void> {
    const metadata = { name: this.namespace };
    await this.#api.post("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata });
  }

  /** Makes a Service; `spec` adds to a selector of `app: NAME`, or replaces it. */
  async service(name: string, ports: readonly PortSpec[], spec: Json = {}): Promise<void> {
    await this.#api.post(this.#core("services"), {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec: { selector: { app: name }, ports, ...spec },
    });
  }

  /** Merges into the spec of a Service. */
  async patchService(name: string, spec: Json): Promise<void> {
    await this.#api.patch(this.#core("services", name), { spec });
  }

  /** Deletes a Service. */
  async deleteService(name: string): Promise<void> {
    await this.#api.delete(this.#core("services", name));
  }

  /** Makes a Pod that runs, and returns its uid. */
  async pod(name: string, pod: PodSpec): Promise<string> {
    const made = await this.#api.post(this.#core("pods"), {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, labels: pod.labels ?? { app: "echo" } },
      spec: {
        terminationGracePeriodSeconds: GRACE_SECONDS,
        ...(pod.node === "" ? {} : { nodeName: pod.node }),
        containers: [{ name: "main", image: "none", ports: pod.ports ?? [] }],
      },
    });
    if (pod.ips.length > 0) await this.#setStatus(name, pod.isReady ?? false, pod.ips);
    return (made.metadata as { uid: string }).uid;
  }

  /** Makes a Pod ready, or not. */
  async setReady(name: string, isReady: boolean): Promise<void> {
    await this.#setStatus(name, isReady);
  }

  async #setStatus(name: string, isReady: boolean, ips?: readonly string[]): Promise<void> {
    const addresses =
      ips === undefined ? {} : { podIP: ips[0], podIPs: ips.map((address) => ({ ip: address })) };
    const conditions = [{ type: "Ready", status: isReady ? "True" : "False" }];
    await this.#api.patch(`${this.#core("pods", name)}/status`, {
      status: { phase: "Running", conditions, ...addresses },
    });
  }

  /** Deletes a Pod gracefully: it is terminating until `finishDelete`. */
  async deletePod(name: string): Promise<void> {
    await this.#api.delete(this.#core("pods", name));
  }

  /** A terminating Pod is gone; one that runs too. */
  async finishDelete(name: string): Promise<void> {
    await this.#api.delete(this.#core("pods", name), {
      apiVersion: "v1",
      kind: "DeleteOptions",
      gracePeriodSeconds: 0,
    });
  }

  /** The slices of a Service. */
  async slices(service: string): Promise<readonly SliceJson[]> {
    const label = encodeURIComponent(`kubernetes.io/service-name=${service}`);
    const path = `${SLICES}/namespaces/${this.namespace}/endpointslices?labelSelector=${label}`;
    return (await this.#api.get<{ items: SliceJson[] }>(path)).items;
  }

  /** Makes a slice by hand, of a Service without selector. */
  async slice(name: string, service: string, rest: Json): Promise<void> {
    await this.#api.post(`${SLICES}/namespaces/${this.namespace}/endpointslices`, {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, labels: { "kubernetes.io/service-name": service } },
      addressType: "IPv4",
      ...rest,
    });
  }

  /** Merges into a slice; lists are replaced. */
  async patchSlice(name: string, rest: Json): Promise<void> {
    await this.#api.patch(`${SLICES}/namespaces/${this.namespace}/endpointslices/${name}`, rest);
  }

  /** Deletes a slice. */
  async deleteSlice(name: string): Promise<void> {
    await this.#api.delete(`${SLICES}/namespaces/${this.namespace}/endpointslices/${name}`);
  }

  #core(plural: string, name?: string): string {
    const path = `/api/v1/namespaces/${this.namespace}/${plural}`;
    return name === undefined ? path : `${path}/${name}`;
  }
}
