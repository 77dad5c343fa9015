/**
 * Names of clusters, and which a route table names. Whether they exist is for others to know.
 *
 * A Service's port is NAMESPACE/SERVICE:PORT by its number, so that all ways to spell a Service
 * lead to one cluster. A name of any other form is no Service's.
 */
import type { RouteTable } from "./table.ts";

/** By routes that forward, in their order; mirrors included. */
export function clusterNamesOf({ hosts }: RouteTable): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { routes } of hosts) {
    for (const { action } of routes) {
      if (action.kind !== "forward") continue;
      for (const { cluster } of action.clusters) names.add(cluster);
      for (const { cluster } of action.mirrors) names.add(cluster);
    }
  }
  return names;
}

/** Name of the cluster of a Service's port. @param service "namespace/name" */
export function clusterNameOf(service: string, port: number): string {
  return `${service}:${port}`;
}

/** What the name of a cluster of a Service's port says. */
export interface ServiceClusterName {
  /** "namespace/name". */
  readonly service: string;
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** The same, of any cluster's name; null when it is none of a Service. */
export function parseClusterName(cluster: string): ServiceClusterName | null {
  const [, namespace, name, port] = /^([^/:#]+)\/([^/:#]+):(\d{1,5})$/.exec(cluster) ?? [];
  if (namespace === undefined || name === undefined) return null;
  return { service: `${namespace}/${name}`, namespace, name, port: Number(port) };
}
