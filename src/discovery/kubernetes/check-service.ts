/**
 * The check of a Service (v1). What the API server fills in when it is absent is filled in here as
 * well, because files come as they were written.
 */
import { isIP } from "node:net";
import { isJsonObject } from "../../base/index.ts";
import type { ServiceConfigResult } from "../endpoint.ts";
import { parseServiceConfig } from "../service-config.ts";
import { PROTOCOLS } from "./check-slice.ts";
import {
  type Fields,
  fieldsOf,
  flagOf,
  labelOf,
  listOf,
  portOf,
  textOf,
  wordOf,
} from "./fields.ts";
import {
  type ObjectMeta,
  SERVICE_CONFIG_ANNOTATION,
  type Service,
  type ServicePort,
} from "./objects.ts";

/** Ports of a Service: as many as one of its slices can carry. */
export const SERVICE_PORTS_MAX = 20_000;

/** Which namespaces' nodes may have a Service of another one from an authorizing control plane. */
const EXPORT_ANNOTATION = "fairlead.dev/export-to";
/** Entries of a load balancer's status that are read. */
export const INGRESS_MAX = 16;
/** RFC 1123, as the API server has it for host names. */
const HOSTNAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
/** A family each. */
const CLUSTER_IPS_MAX = 2;

const TYPES = ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] as const;
/** Those that tell that a port speaks gRPC. */
const APP_PROTOCOLS = ["grpc", "kubernetes.io/h2c"] as const;
const INTERNAL_TRAFFIC_POLICIES = ["Cluster", "Local"] as const;

/** Throws `Malformed` when the Service cannot be used. */
export function checkService(fields: Fields, metadata: ObjectMeta): Service {
  const spec = fieldsOf(fields.spec, "spec");
  return {
    kind: "Service",
    metadata,
    type: wordOf(spec.type, "spec.type", TYPES, "ClusterIP"),
    clusterIp: textOf(spec.clusterIP, "spec.clusterIP", ""),
    clusterIps: checkClusterIps(spec),
    ports: listOf(spec.ports, "spec.ports", SERVICE_PORTS_MAX).map(checkPort),
    externalName: textOf(spec.externalName, "spec.externalName", ""),
    internalTrafficPolicy: wordOf(
      spec.internalTrafficPolicy,
      "spec.internalTrafficPolicy",
      INTERNAL_TRAFFIC_POLICIES,
      "Cluster",
    ),
    trafficDistribution: textOf(spec.trafficDistribution, "spec.trafficDistribution", ""),
    publishNotReadyAddresses:
      flagOf(spec.publishNotReadyAddresses, "spec.publishNotReadyAddresses") ?? false,
    serviceConfig: checkServiceConfig(fields, metadata),
    ...checkExport(fields),
    ...checkLoadBalancer(fields),
  };
}

/** "*", or namespaces with commas between them. What is no text exports nothing. */
function checkExport(fields: Fields): Pick<Service, "exportTo"> {
  const { annotations } = fieldsOf(fields.metadata, "metadata");
  const text = isJsonObject(annotations) ? annotations[EXPORT_ANNOTATION] : undefined;
  if (typeof text !== "string") return {};
  return { exportTo: text.split(",").map((name) => name.trim()) };
}

/** Of `status`, which must not cost the Service: what is strange in it is passed over. */
function checkLoadBalancer({ status }: Fields): Pick<Service, "loadBalancerAddresses"> {
  const { ingress } =
    isJsonObject(status) && isJsonObject(status.loadBalancer) ? status.loadBalancer : {};
  const entries: unknown[] = Array.isArray(ingress) ? ingress.slice(0, INGRESS_MAX) : [];
  const found = entries.flatMap((entry) => {
    const { ip, hostname } = isJsonObject(entry) ? entry : {};
    const isAddress = typeof ip === "string" && isIP(ip) !== 0;
    const isName = typeof hostname === "string" && HOSTNAME.test(hostname);
    return [...(isAddress ? [ip] : []), ...(isName ? [hostname] : [])];
  });
  return found.length === 0 ? {} : { loadBalancerAddresses: found };
}

/** KEP-563: at most two, of which the first is `clusterIP`; headless ones have none. */
function checkClusterIps({ clusterIP, clusterIPs }: Fields): readonly string[] {
  const path = "spec.clusterIPs";
  const listed = listOf(clusterIPs, path, CLUSTER_IPS_MAX).map((ip, i) =>
    textOf(ip, `${path}[${i}]`, ""),
  );
  const all = listed.length > 0 ? listed : [textOf(clusterIP, "spec.clusterIP", "")];
  return all.filter((ip) => isIP(ip) !== 0);
}

/** A config that is wrong makes no Service that is wrong: its endpoints serve on. */
function checkServiceConfig(
  fields: Fields,
  { namespace, name }: ObjectMeta,
): ServiceConfigResult | null {
  const { annotations } = fieldsOf(fields.metadata, "metadata");
  const text = isJsonObject(annotations) ? annotations[SERVICE_CONFIG_ANNOTATION] : undefined;
  if (text === undefined || text === null) return null;
  const about = `service ${namespace}/${name}: annotation ${SERVICE_CONFIG_ANNOTATION}`;
  if (typeof text !== "string") return Object.freeze({ error: `${about} must be a string` });
  return parseServiceConfig(text, about);
}

function checkPort(value: unknown, i: number): ServicePort {
  const path = `spec.ports[${i}]`;
  const { name, port, targetPort, protocol, appProtocol } = fieldsOf(value, path);
  return {
    name: name === undefined || name === null || name === "" ? "" : labelOf(name, `${path}.name`),
    port: portOf(port, `${path}.port`),
    targetPort: checkTargetPort(targetPort, `${path}.targetPort`),
    protocol: wordOf(protocol, `${path}.protocol`, PROTOCOLS, "TCP"),
    // Any other tells nothing, and must not cost the Service.
    appProtocol: APP_PROTOCOLS.find((known) => known === appProtocol) ?? "",
  };
}

/** 0 and "" are what a client sends that leaves it to the server: the same as the port. */
function checkTargetPort(value: unknown, path: string): number | string | null {
  if (value === undefined || value === null || value === 0 || value === "") return null;
  return typeof value === "string" ? textOf(value, path, null) : portOf(value, path);
}
