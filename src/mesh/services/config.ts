/**
 * Services as a configuration: every port that speaks gRPC is a listener at its ClusterIP, all of
 * whose calls go to the Service's endpoints.
 *
 * Pure. Routes that are attached to Services are a control plane's to work out.
 */
import type { Resolver, Service, ServicePort } from "../../discovery/index.ts";
import { defaultTable } from "../../routes/index.ts";
import type { ClusterSpec, ListenerSpec } from "../config.ts";

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
  const full = (port: number): string => `${namespace}/${name}:${port}`;
  return {
    listeners: grpcPorts.flatMap(({ port }) =>
      clusterIps.map((host, i) => ({
        name: capturedName(full(port), host, i),
        address: { host, port },
        chains: [{ serverNames: [], tls: null, table: defaultTable(full(port)) }],
      })),
    ),
    clusters: grpcPorts.map(({ port }) => {
      const target = `kubernetes:///${name}.${namespace}:${port}`;
      const newOne = () => newResolver(target);
      // Its service config comes with its endpoints.
      return {
        ...{ name: full(port), key: target, newResolver: newOne, serviceConfig: null, tls: null },
      };
    }),
  };
}

const NOTHING: ServiceMesh = { listeners: [], clusters: [] };
