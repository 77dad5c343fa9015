/** For tests: a zone made of a few lines, and short ways to its objects. */
import type { EndpointSlice, Service, SliceEndpoint } from "../../discovery/index.ts";
import type { DnsZone } from "./zone.ts";

/** A zone whose objects are lists. */
export class ListZone implements DnsZone {
  readonly domain = "cluster.local";
  services: Service[] = [];
  slicesOf = new Map<string, EndpointSlice[]>();

  hasNamespace(namespace: string): boolean {
    return this.services.some((each) => each.metadata.namespace === namespace);
  }

  service(namespace: string, name: string): Service | null {
    const isIt = ({ metadata }: Service) =>
      metadata.namespace === namespace && metadata.name === name;
    return this.services.find(isIt) ?? null;
  }

  slices(namespace: string, service: string): readonly EndpointSlice[] {
    return this.slicesOf.get(`${namespace}/${service}`) ?? [];
  }

  /** Adds a Service of "namespace/name" with its slices. */
  add(path: string, service: Partial<Service>, ...slices: EndpointSlice[]): Service {
    const [namespace, name] = path.split("/");
    const whole: Service = {
      kind: "Service",
      metadata: newMeta(namespace, name),
      type: "ClusterIP",
      clusterIp: "None",
      clusterIps: [],
      ports: [{ name: "grpc", port: 80, targetPort: null, protocol: "TCP", appProtocol: "" }],
      externalName: "",
      internalTrafficPolicy: "Cluster",
      trafficDistribution: "",
      publishNotReadyAddresses: false,
      serviceConfig: null,
      ...service,
    };
    this.services = [
      ...this.services.filter((each) => each !== this.service(namespace, name)),
      whole,
    ];
    this.slicesOf.set(path, slices);
    return whole;
  }
}

function newMeta(namespace: string, name: string): Service["metadata"] {
  return { name, namespace, uid: name, resourceVersion: "1", labels: {} };
}

/** A slice of these endpoints with one port "grpc". */
export function newSlice(endpoints: readonly SliceEndpoint[], port = 50_051): EndpointSlice {
  const isV6 = endpoints[0]?.addresses[0].includes(":") ?? false;
  return {
    kind: "EndpointSlice",
    metadata: newMeta("prod", "slice"),
    addressType: isV6 ? "IPv6" : "IPv4",
    endpoints,
    ports: [{ name: "grpc", port, protocol: "TCP" }],
  };
}

/** An endpoint; ready unless told otherwise. */
export function newPod(ip: string, conditions: Partial<SliceEndpoint> = {}): SliceEndpoint {
  return {
    addresses: [ip],
    ready: true,
    serving: null,
    terminating: null,
    nodeName: null,
    zone: null,
    targetRef: null,
    forNodes: [],
    forZones: [],
    ...conditions,
  };
}

/** Ready pods "10.0.0.0", "10.0.0.1" and so on. */
export function podsOf(count: number): readonly SliceEndpoint[] {
  return Array.from({ length: count }, (_, i) => newPod(`10.0.${i >> 8}.${i & 255}`));
}
