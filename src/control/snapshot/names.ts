/**
 * Names of resources, and what they mean.
 *
 * Listeners of gRPC clients are named as the client's target is: what follows `xds:///`, in the
 * forms that targets of `kubernetes:///` have. How clusters are named is in room `routes`.
 */
import type { Service, ServicePort } from "../../discovery/index.ts";
import { isGrpcPort } from "../../mesh/index.ts";
import { parseClusterName } from "../../routes/index.ts";
import type { ObjectKey } from "../objects/state.ts";

/** The domain that full names of Services end with, unless a cluster was set up otherwise. */
const CLUSTER_DOMAIN = "cluster.local";

/** What a cluster is asked as, where a call brings no authority of its own: "echo.prod:50051". */
export function authorityOfCluster(cluster: string): string {
  const { namespace, name, port } = parseClusterName(cluster)!;
  return `${name}.${namespace}:${port}`;
}

/** The ports of a Service that carry gRPC, in its order; none of a mere name of DNS. */
export function grpcPortsOf(service: Service): readonly ServicePort[] {
  return service.type === "ExternalName" ? [] : service.ports.filter(isGrpcPort);
}

/**
 * Every name that a gRPC client may give one port of a Service.
 *
 * @param isFirst it is the one that is meant when no port is named.
 * @returns names without a namespace last: what they mean depends on who asks.
 */
export function listenerNamesOf(
  service: Service,
  port: ServicePort,
  isFirst: boolean,
): { readonly full: readonly string[]; readonly short: readonly string[] } {
  const { name, namespace } = service.metadata;
  const host = `${name}.${namespace}`;
  const ports = [`:${port.port}`];
  if (port.name !== "") ports.push(`:${port.name}`);
  if (isFirst) ports.push("");
  const hosts = [host, `${host}.svc`, `${host}.svc.${CLUSTER_DOMAIN}`];
  return {
    full: hosts.flatMap((each) => ports.map((suffix) => `${each}${suffix}`)),
    short: ports.map((suffix) => `${name}${suffix}`),
  };
}

/**
 * Which Service a listener's name may be of: its first two labels.
 *
 * @param namespace of who asks, for names without one; "" when it is not known.
 */
export function serviceOfListener(name: string, namespace: string): ObjectKey | null {
  const [, service, own] = /^([a-z0-9-]+)(?:\.([a-z0-9-]+))?(?:[.:].*)?$/.exec(name) ?? [];
  const in_ = own ?? namespace;
  return service === undefined || in_ === "" ? null : `${in_}/${service}`;
}
