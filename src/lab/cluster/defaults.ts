/**
 * What the API server fills in: the fields of an object that its author may leave out (Kubernetes
 * 1.36, pkg/apis/.../defaults.go and the strategies in pkg/registry), as far as anybody here reads
 * them.
 */
import { isIPv6 } from "node:net";
import { asJson, asText, type Json } from "../../base/index.ts";
import { customStatus, DEFINITION_KIND, definitionStatus, withGeneration } from "./custom.ts";
import { type ApiObject, asList, sameJson } from "./object.ts";
import { resourceOf } from "./resources.ts";

/** Hands out the address of a Service that names none. */
export type AllocateIp = (family: "IPv4" | "IPv6") => string;

/**
 * The object with defaults, and with what its author may not write put right.
 *
 * @param before what it replaces, or null when it is new.
 */
export function withDefaults(
  object: ApiObject,
  before: ApiObject | null,
  allocateIp: AllocateIp,
): ApiObject {
  if (object.kind === "Service") return service(object, before, allocateIp);
  if (object.kind === "Pod") return pod(object);
  if (object.kind === "EndpointSlice") return slice(object, before);
  if (object.kind === "Namespace") return namespace(object);
  if (object.kind === "Secret") return secret(object);
  return resourceOf(object.kind).isCustom ? withGeneration(object, before) : object;
}

/** The `status` of a new object: what its author wrote there is dropped. Null: it has none yet. */
export function firstStatus(kind: string): Json | null {
  if (kind === DEFINITION_KIND) return definitionStatus();
  if (resourceOf(kind).isCustom) return customStatus(kind);
  if (kind === "Pod") return { phase: "Pending", qosClass: "BestEffort" };
  if (kind === "Namespace") return { phase: "Active" };
  if (kind === "Service") return { loadBalancer: {} };
  return {};
}

function namespace(object: ApiObject): ApiObject {
  const { metadata } = object;
  const labels = { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name };
  const spec = object.spec ?? { finalizers: ["kubernetes"] };
  return { ...object, metadata: { ...metadata, labels }, spec };
}

/** What is written as text goes into `data`, which cannot be read as text (`stringData`). */
function secret({ stringData, ...object }: ApiObject): ApiObject {
  const added = Object.entries(asJson(stringData)).map(([key, text]) => [
    key,
    Buffer.from(asText(text)).toString("base64"),
  ]);
  const data = { ...asJson(object.data), ...Object.fromEntries(added) };
  return { ...object, type: asText(object.type) || "Opaque", data } as ApiObject;
}

function service(object: ApiObject, before: ApiObject | null, allocateIp: AllocateIp): ApiObject {
  const given = asJson(object.spec);
  const type = given.type ?? "ClusterIP";
  const ports = asList(given.ports).map((port) => ({
    ...port,
    protocol: port.protocol ?? "TCP",
    targetPort: port.targetPort ?? port.port,
  }));
  const common = { ...given, type, ...(ports.length > 0 ? { ports } : {}) };
  if (type === "ExternalName") {
    return { ...object, spec: { sessionAffinity: "None", ...common } };
  }
  return {
    ...object,
    spec: {
      ...{ sessionAffinity: "None", internalTrafficPolicy: "Cluster" },
      ...common,
      ...addresses(given, asJson(before?.spec), allocateIp),
    },
  };
}

/** Family and address, kept through updates that do not name them. */
function addresses(given: Json, old: Json, allocateIp: AllocateIp): Json {
  const policy = given.ipFamilyPolicy ?? old.ipFamilyPolicy ?? "SingleStack";
  const named = asText(given.clusterIP) || asText(old.clusterIP);
  const first = isIPv6(named) ? "IPv6" : "IPv4";
  const ipFamilies = families(given.ipFamilies ?? old.ipFamilies, policy, first);
  if (named === "None") {
    return { clusterIP: "None", clusterIPs: ["None"], ipFamilies, ipFamilyPolicy: policy };
  }
  const known = (given.clusterIPs ?? old.clusterIPs ?? []) as readonly string[];
  const clusterIPs = ipFamilies.map((family, index) => {
    if (index === 0 && named !== "") return named;
    return known[index] ?? allocateIp(family);
  });
  return { clusterIP: clusterIPs[0], clusterIPs, ipFamilies, ipFamilyPolicy: policy };
}

function families(
  given: unknown,
  policy: unknown,
  first: "IPv4" | "IPv6",
): readonly ("IPv4" | "IPv6")[] {
  const named = Array.isArray(given) && given.length > 0 ? given : [first];
  if (policy === "SingleStack" || named.length > 1) return named;
  return [named[0], named[0] === "IPv4" ? "IPv6" : "IPv4"];
}

function pod(object: ApiObject): ApiObject {
  const spec = asJson(object.spec);
  const containers = asList(spec.containers).map((container) => {
    const ports = asList(container.ports).map((port) => ({ protocol: "TCP", ...port }));
    return { ...container, ...(ports.length > 0 ? { ports } : {}) };
  });
  return {
    ...object,
    spec: {
      ...{ restartPolicy: "Always", dnsPolicy: "ClusterFirst", terminationGracePeriodSeconds: 30 },
      ...spec,
      containers,
    },
  };
}

function slice(object: ApiObject, before: ApiObject | null): ApiObject {
  const ports = asList(object.ports).map((port) => ({
    ...{ name: "", protocol: "TCP" },
    ...port,
  }));
  const endpoints = asList(object.endpoints).map((one) => ({ conditions: {}, ...one }));
  // Go's JSON has no empty lists here: what is empty is null.
  const orNull = <T>(list: readonly T[]): readonly T[] | null => (list.length > 0 ? list : null);
  const filled = { ...object, endpoints: orNull(endpoints), ports: orNull(ports) };
  const generation = before === null ? 1 : nextGeneration(before, filled);
  return { ...filled, metadata: { ...object.metadata, generation } };
}

/** It counts changes of anything but the metadata, and of the labels. */
function nextGeneration(before: ApiObject, now: ApiObject): number {
  const generation = before.metadata.generation ?? 1;
  const { metadata: oldMeta, ...oldRest } = before;
  const { metadata, ...rest } = now;
  const isSame = sameJson(oldRest, rest) && sameJson(oldMeta.labels, metadata.labels);
  return isSame ? generation : generation + 1;
}
