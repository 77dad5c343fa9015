/** The cluster of a Service's port, where Kubernetes objects are the configuration. */
import type { Resolver } from "../discovery/index.ts";
import { clusterNameOf, type ServiceClusterName } from "../routes/index.ts";
import type { ClusterSpec } from "./config.ts";

/**
 * Its endpoints are those of `kubernetes:///`, and its service config comes with them.
 *
 * @param newResolver of a target; not started.
 */
export function serviceCluster(
  { service, namespace, name, port }: ServiceClusterName,
  newResolver: (target: string) => Resolver,
): ClusterSpec {
  const key = `kubernetes:///${name}.${namespace}:${port}`;
  const rest = { newResolver: () => newResolver(key), serviceConfig: null, tls: null };
  return { name: clusterNameOf(service, port), key, ...rest };
}
