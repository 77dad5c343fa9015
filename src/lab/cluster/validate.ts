/**
 * What an object of each kind must look like, as far as the lab's tests can meet it. The rules and
 * their words are those of Kubernetes 1.36 (pkg/apis/.../validation), with one exception: loopback
 * addresses in EndpointSlices are allowed, because the lab's pods have no others.
 */
import { asJson, asText, type Json } from "../../base/index.ts";
import {
  addressCauses,
  duplicate,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
  serviceNameCauses,
  subdomainCauses,
  tooMany,
} from "./causes.ts";
import { type ApiObject, asList, sameJson } from "./object.ts";
import { resourceOf } from "./resources.ts";
import { type Cause, invalid } from "./status.ts";

/** Endpoints and ports of a slice, addresses of an endpoint (discovery/validation). */
const SLICE_ENDPOINTS_MAX = 1000;
const SLICE_PORTS_MAX = 20_000;
const ADDRESSES_MAX = 100;
const ADDRESS_TYPES = ["FQDN", "IPv4", "IPv6"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];
const SERVICE_TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

/**
 * Throws 422 when the object breaks a rule of its kind.
 *
 * @param before what it replaces, or null when it is new.
 */
export function validate(object: ApiObject, before: ApiObject | null): void {
  const causes = [...nameCauses(object), ...kindCauses(object, before)];
  if (causes.length > 0) throw invalid(resourceOf(object.kind), object.metadata.name, causes);
}

function nameCauses({ kind, metadata: { name } }: ApiObject): Cause[] {
  if (name === "") return [required("metadata.name", "name or generateName is required")];
  if (kind === "Service") return serviceNameCauses("metadata.name", name);
  return subdomainCauses("metadata.name", name);
}

function kindCauses(object: ApiObject, before: ApiObject | null): Cause[] {
  if (object.kind === "EndpointSlice") return sliceCauses(object, before);
  if (object.kind === "Service") return serviceCauses(asJson(object.spec), before);
  if (object.kind === "Pod") return podCauses(asJson(object.spec), before);
  if (object.kind === "Secret") return secretCauses(object, before);
  if (object.kind === "Lease") return leaseCauses(asJson(object.spec));
  return [];
}

function sliceCauses(slice: ApiObject, before: ApiObject | null): Cause[] {
  const type = asText(slice.addressType);
  const causes: Cause[] = [];
  if (type === "") causes.push(required("addressType"));
  else if (!ADDRESS_TYPES.includes(type)) {
    causes.push(notSupported("addressType", type, ADDRESS_TYPES));
  }
  if (before !== null && before.addressType !== type) {
    causes.push(invalidValue("addressType", type, "field is immutable"));
  }
  causes.push(...slicePortCauses(asList(slice.ports)));
  // What has not changed is not looked at again.
  if (before !== null && sameJson(before.endpoints, slice.endpoints)) return causes;
  const endpoints = asList(slice.endpoints);
  if (endpoints.length > SLICE_ENDPOINTS_MAX) {
    causes.push(tooMany("endpoints", endpoints.length, SLICE_ENDPOINTS_MAX));
  } else {
    causes.push(...endpoints.flatMap((one, i) => endpointCauses(one, type, `endpoints[${i}]`)));
  }
  return causes;
}

function endpointCauses(endpoint: Json, type: string, path: string): Cause[] {
  const addresses = Array.isArray(endpoint.addresses) ? endpoint.addresses : [];
  const field = `${path}.addresses`;
  if (addresses.length === 0) return [required(field, "must contain at least 1 address")];
  if (addresses.length > ADDRESSES_MAX) return [tooMany(field, addresses.length, ADDRESSES_MAX)];
  if (type !== "IPv4" && type !== "IPv6") return [];
  return addresses.flatMap((address, i) => addressCauses(field, i, address, type));
}

function slicePortCauses(ports: readonly Json[]): Cause[] {
  if (ports.length > SLICE_PORTS_MAX) return [tooMany("ports", ports.length, SLICE_PORTS_MAX)];
  const names = new Set<unknown>();
  return ports.flatMap((port, i) => {
    const causes: Cause[] = [];
    if (names.has(port.name)) causes.push(duplicate(`ports[${i}].name`, port.name));
    names.add(port.name);
    if (!PROTOCOLS.includes(asText(port.protocol))) {
      causes.push(notSupported(`ports[${i}].protocol`, port.protocol, PROTOCOLS));
    }
    return causes;
  });
}

function serviceCauses(spec: Json, before: ApiObject | null): Cause[] {
  const causes: Cause[] = [];
  const type = asText(spec.type);
  if (!SERVICE_TYPES.includes(type)) causes.push(notSupported("spec.type", type, SERVICE_TYPES));
  const ports = asList(spec.ports);
  const isHeadless = spec.clusterIP === "None";
  if (ports.length === 0 && !isHeadless && type !== "ExternalName") {
    causes.push(required("spec.ports"));
  }
  if (type === "ExternalName" && asText(spec.externalName) === "") {
    causes.push(required("spec.externalName"));
  }
  causes.push(...servicePortCauses(ports));
  const old = asJson(before?.spec);
  if (asText(old.clusterIP) !== "" && type !== "ExternalName" && old.type === spec.type) {
    if (old.clusterIP !== spec.clusterIP) {
      const detail = "may not change once set";
      causes.push(invalidValue("spec.clusterIPs[0]", spec.clusterIPs, detail));
    }
  }
  return causes;
}

function servicePortCauses(ports: readonly Json[]): Cause[] {
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const path = `spec.ports[${i}]`;
    const causes: Cause[] = [];
    const name = asText(port.name);
    if (name === "" && ports.length > 1) causes.push(required(`${path}.name`));
    else if (names.has(name)) causes.push(duplicate(`${path}.name`, name));
    names.add(name);
    const isPort = Number.isInteger(port.port) && Number(port.port) > 0;
    if (!isPort || Number(port.port) > 65_535) {
      const rule = "must be between 1 and 65535, inclusive";
      causes.push(invalidValue(`${path}.port`, port.port ?? 0, rule));
      if (port.targetPort === port.port) {
        causes.push(invalidValue(`${path}.targetPort`, port.port ?? 0, rule));
      }
    }
    if (!PROTOCOLS.includes(asText(port.protocol))) {
      causes.push(notSupported(`${path}.protocol`, port.protocol, PROTOCOLS));
    }
    return causes;
  });
}

function secretCauses({ type, data }: ApiObject, before: ApiObject | null): Cause[] {
  const causes: Cause[] = [];
  if (before !== null && before.type !== type) {
    causes.push(invalidValue("type", type, "field is immutable"));
  }
  if (type !== "kubernetes.io/tls") return causes;
  const missing = ["tls.crt", "tls.key"].filter((key) => !Object.hasOwn(asJson(data), key));
  return [...causes, ...missing.map((key) => required(`data[${key}]`))];
}

function leaseCauses({ leaseDurationSeconds, leaseTransitions }: Json): Cause[] {
  const causes: Cause[] = [];
  if (leaseDurationSeconds !== undefined && !(Number(leaseDurationSeconds) > 0)) {
    const field = "spec.leaseDurationSeconds";
    causes.push(invalidValue(field, leaseDurationSeconds, "must be greater than 0"));
  }
  if (leaseTransitions !== undefined && !(Number(leaseTransitions) >= 0)) {
    const rule = "must be greater than or equal to 0";
    causes.push(invalidValue("spec.leaseTransitions", leaseTransitions, rule));
  }
  return causes;
}

function podCauses(spec: Json, before: ApiObject | null): Cause[] {
  const causes: Cause[] = [];
  const containers = asList(spec.containers);
  if (containers.length === 0) causes.push(required("spec.containers"));
  containers.forEach((container, i) => {
    if (asText(container.name) === "") causes.push(required(`spec.containers[${i}].name`));
    if (asText(container.image) === "") causes.push(required(`spec.containers[${i}].image`));
  });
  // A pod is bound by its creation or not at all: the lab has no scheduler.
  if (before !== null && !sameJson(asJson(before.spec).nodeName, spec.nodeName)) {
    const rule = "pod updates may not change fields other than ";
    causes.push(forbiddenField("spec", `${rule}\`spec.containers[*].image\` and few others`));
  }
  return causes;
}
