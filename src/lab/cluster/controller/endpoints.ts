/**
 * What the endpoints of a Service should be: from its pods and their nodes, as the endpointslice
 * controller of Kubernetes 1.36 sees them (k8s.io/endpointslice, podToEndpoint and its neighbours).
 *
 * Pure: objects in, endpoints out. How they are put into slices is in `plan.ts`.
 */
import { isIPv6 } from "node:net";
import { asJson, asText, type Json } from "../../../base/index.ts";
import { type ApiObject, asList } from "../object.ts";

/** The families of slices. */
export type AddressType = "IPv4" | "IPv6";

/** A group of endpoints that have the same ports, and so may share slices. */
export interface PortGroup {
  readonly ports: readonly Json[];
  readonly endpoints: readonly Json[];
}

/** The families that a Service has slices for. */
export function addressTypes(service: ApiObject): readonly AddressType[] {
  const { ipFamilies } = asJson(service.spec);
  const families: readonly unknown[] = Array.isArray(ipFamilies) ? ipFamilies : [];
  return (["IPv4", "IPv6"] as const).filter((family) => families.includes(family));
}

/** Whether the controller keeps slices for a Service: it has a selector and is no mere alias. */
export function isSelecting(service: ApiObject): boolean {
  const { selector, type } = asJson(service.spec);
  return Object.keys(asJson(selector)).length > 0 && type !== "ExternalName";
}

/** Whether a Service selects a pod. */
export function selects(service: ApiObject, pod: ApiObject): boolean {
  if (service.metadata.namespace !== pod.metadata.namespace) return false;
  const labels = pod.metadata.labels ?? {};
  const selector = Object.entries(asJson(asJson(service.spec).selector));
  return selector.every(([key, value]) => labels[key] === value);
}

/**
 * The endpoints of one family, grouped by their ports.
 *
 * @param nodeOf the Node of a name. A pod without one is left out, unless the Service publishes
 *   addresses that are not ready.
 */
export function desiredGroups(
  service: ApiObject,
  pods: readonly ApiObject[],
  nodeOf: (name: string) => ApiObject | undefined,
  family: AddressType,
): readonly PortGroup[] {
  const groups = new Map<string, { ports: readonly Json[]; endpoints: Json[] }>();
  const publishesAll = asJson(service.spec).publishNotReadyAddresses === true;
  for (const pod of pods) {
    if (!mayBeEndpoint(pod)) continue;
    const ports = portsOf(service, pod);
    const key = portsKey(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    groups.set(key, group);
    const node = nodeOf(asText(asJson(pod.spec).nodeName));
    if (!node && !publishesAll) continue;
    const endpoint = endpointOf(service, pod, node, family);
    if (endpoint !== null) group.endpoints.push(endpoint);
  }
  return [...groups.values()];
}

/** Ports as a key: the same for the same ports in any order. */
export function portsKey(ports: readonly Json[]): string {
  const texts = ports.map(({ name, protocol, port, appProtocol }) =>
    JSON.stringify([name ?? "", protocol ?? "TCP", port ?? null, appProtocol ?? null]),
  );
  return texts.sort().join();
}

/** What tells endpoints apart: all else about one changes in its place (EndpointSet). */
export function endpointKey(endpoint: Json): string {
  const { namespace = "", name = "" } = asJson(endpoint.targetRef);
  const addresses = Array.isArray(endpoint.addresses) ? [...endpoint.addresses].sort() : [];
  return JSON.stringify([addresses, endpoint.hostname ?? "", namespace, name]);
}

function mayBeEndpoint({ status: given }: ApiObject): boolean {
  const status = asJson(given);
  const hasAddress = asText(status.podIP) !== "" || asList(status.podIPs).length > 0;
  return hasAddress && status.phase !== "Failed" && status.phase !== "Succeeded";
}

function endpointOf(
  service: ApiObject,
  pod: ApiObject,
  node: ApiObject | undefined,
  family: AddressType,
): Json | null {
  const { name, namespace, uid, deletionTimestamp } = pod.metadata;
  const addresses = asList(asJson(pod.status).podIPs)
    .map(({ ip }) => asText(ip))
    .filter((ip) => ip !== "" && isIPv6(ip) === (family === "IPv6"));
  if (addresses.length === 0) return null;
  const spec = asJson(pod.spec);
  const serving = isReady(pod);
  const terminating = deletionTimestamp !== undefined;
  // Ready is never true of what is terminating, unless the Service publishes everything.
  const ready = asJson(service.spec).publishNotReadyAddresses === true || (serving && !terminating);
  const zone = node?.metadata.labels?.["topology.kubernetes.io/zone"] ?? "";
  const nodeName = asText(spec.nodeName);
  const hostname = asText(spec.hostname);
  const hasHostname = hostname !== "" && spec.subdomain === service.metadata.name;
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hasHostname ? { hostname } : {}),
    targetRef: { kind: "Pod", namespace, name, uid },
    ...(nodeName === "" ? {} : { nodeName }),
    ...(zone === "" ? {} : { zone }),
  };
}

function isReady(pod: ApiObject): boolean {
  const conditions = asList(asJson(pod.status).conditions);
  return conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

/** The Service's ports on this pod. One whose name no container has is left out. */
function portsOf(service: ApiObject, pod: ApiObject): readonly Json[] {
  return asList(asJson(service.spec).ports).flatMap((given) => {
    const protocol = given.protocol ?? "TCP";
    const port = findPort(pod, given.targetPort ?? given.port, protocol);
    if (port === null) return [];
    const { appProtocol } = given;
    const extra = appProtocol === undefined ? {} : { appProtocol };
    return [{ name: asText(given.name), port, protocol, ...extra }];
  });
}

function findPort(pod: ApiObject, targetPort: unknown, protocol: unknown): number | null {
  if (typeof targetPort === "number") return targetPort;
  const spec = asJson(pod.spec);
  const sidecars = asList(spec.initContainers).filter((one) => one.restartPolicy === "Always");
  for (const container of [...asList(spec.containers), ...sidecars]) {
    for (const port of asList(container.ports)) {
      const isIt = port.name === targetPort && (port.protocol ?? "TCP") === protocol;
      if (isIt && typeof port.containerPort === "number") return port.containerPort;
    }
  }
  return null;
}
