/**
 * Services as a configuration: every port that speaks gRPC is a listener at its ClusterIP, all of
 * whose calls go to the Service's endpoints.
 *
 * Pure. Routes that are attached to Services are a control plane's to work out.
 */
import type { Resolver, Service, ServicePort } from "../../discovery/index.ts";
import { clusterNameOf, defaultTable } from "../../routes/index.ts";
import type { ClusterSpec, ListenerSpec } from "../config.ts";
import { serviceCluster } from "../service-cluster.ts";

/** What one Service comes to. */
export interface ServiceMesh {
  readonly listeners: readonly ListenerSpec[];
  readonly clusters: readonly ClusterSpec[];
}

/** Whether a port speaks gRPC: it says so by its `appProtocol`, or by its name. */
export function isGrpcPort({ name, protocol, appProtocol }: ServicePort): boolean {
  return protocol === "TCP" && (appProtocol !== "" || name === "grpc" || name.startsWith("grpc-"));
}

/**
 * Name of the listener at one of a Service's ClusterIPs: the first is named as the cluster is.
 *
 * @param i of the ClusterIP.
 */
export function capturedName(cluster: string, ip: string, i: number): string {
  return i === 0 ? cluster : `${cluster} at ${ip}`;
}

/**
 * The listeners and clusters of a Service. One without a ClusterIP has neither: what its name
 * resolves to are the pods themselves.
 *
 * @param newResolver makes a resolver of a target.
 */
export function serviceMesh(
  service: Service,
  newResolver: (target: string) => Resolver,
): ServiceMesh {
  const { clusterIps, ports, metadata } = service;
  const grpcPorts = service.type === "ExternalName" ? [] : ports.filter(isGrpcPort);
  if (clusterIps.length === 0 || grpcPorts.length === 0) return NOTHING;
  const { namespace, name } = metadata;
  const key = `${namespace}/${name}`;
  return {
    listeners: grpcPorts.flatMap(({ port }) =>
      clusterIps.map((host, i) => ({
        name: capturedName(clusterNameOf(key, port), host, i),
        address: { host, port },
        chains: [{ serverNames: [], tls: null, table: defaultTable(clusterNameOf(key, port)) }],
      })),
    ),
    clusters: grpcPorts.map(({ port }) =>
      serviceCluster({ service: key, namespace, name, port }, newResolver),
    ),
  };
}

const NOTHING: ServiceMesh = { listeners: [], clusters: [] };
