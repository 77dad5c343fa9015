/**
 * The checks of GatewayClass, Gateway and ReferenceGrant (gateway.networking.k8s.io). Limits and
 * defaults are those of the CRDs, because files come as they were written; what the CRDs refuse
 * across fields (a name that is there twice) is refused here too.
 */
import { isJsonObject } from "../../base/index.ts";
import {
  conditionsOf,
  groupKindOf,
  hostnameOf,
  isAbsent,
  objectRefOf,
  statusList,
  unsupportedOf,
  versionedMeta,
} from "./check-gateway-parts.ts";
import {
  type Fields,
  fieldsOf,
  labelOf,
  listOf,
  Malformed,
  nameOf,
  portOf,
  refuse,
  textOf,
  wordOf,
} from "./fields.ts";
import type {
  AllowedRoutes,
  Gateway,
  GatewayAddress,
  GatewayClass,
  GatewayListener,
  GatewayStatus,
  GroupKind,
  LabelSelector,
  ListenerTls,
  ReferenceGrant,
} from "./gateway-objects.ts";
import { GATEWAY_GROUP, type ObjectMeta } from "./objects.ts";

/** Listeners of a Gateway (CRD). */
export const GATEWAY_LISTENERS_MAX = 64;
/** Addresses of a Gateway (CRD). */
export const GATEWAY_ADDRESSES_MAX = 16;
/** Certificates of a listener (CRD). */
export const CERTIFICATE_REFS_MAX = 64;
/** Route kinds of a listener (CRD). */
export const ROUTE_KINDS_MAX = 8;
/** Entries of either list of a ReferenceGrant (CRD). */
export const GRANT_ENTRIES_MAX = 16;
/** Labels and expressions of a selector: the API server sets no limit of its own. */
export const SELECTOR_ENTRIES_MAX = 64;

const FROM = ["All", "Same", "Selector", "None"] as const;
const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const;
const PROTOCOL = /^[a-zA-Z0-9]([-a-zA-Z0-9./]{0,253}[a-zA-Z0-9])?$/;

/** Throws `Malformed` when the GatewayClass cannot be used. */
export function checkGatewayClass(fields: Fields, metadata: ObjectMeta): GatewayClass {
  const { controllerName, parametersRef } = fieldsOf(fields.spec, "spec");
  const name = textOf(controllerName, "spec.controllerName", "");
  if (!/^[^/]+\/[^/]/.test(name)) {
    refuse("spec.controllerName", controllerName, "DOMAIN/PATH, such as example.net/controller");
  }
  return {
    kind: "GatewayClass",
    metadata: versionedMeta(fields, metadata),
    controllerName: name,
    hasParametersRef: parametersRef !== undefined && parametersRef !== null,
    conditions: conditionsOf(isJsonObject(fields.status) ? fields.status.conditions : null),
  };
}

/** Throws `Malformed` when the Gateway cannot be used. */
export function checkGateway(fields: Fields, metadata: ObjectMeta): Gateway {
  const spec = fieldsOf(fields.spec, "spec");
  const infrastructure = fieldsOf(spec.infrastructure, "spec.infrastructure");
  const listed = listOf(spec.listeners, "spec.listeners", GATEWAY_LISTENERS_MAX);
  if (listed.length === 0) refuse("spec.listeners", null, "a list of at least one listener");
  const listeners = listed.map(checkListener);
  if (new Set(listeners.map(({ name }) => name)).size < listeners.length) {
    throw new Malformed("spec.listeners", "has two of one name, each must have its own");
  }
  const addresses = listOf(spec.addresses, "spec.addresses", GATEWAY_ADDRESSES_MAX);
  return {
    kind: "Gateway",
    metadata: versionedMeta(fields, metadata),
    gatewayClassName: nameOf(spec.gatewayClassName, "spec.gatewayClassName"),
    listeners,
    addresses: addresses.map((value, i) => checkAddress(value, `spec.addresses[${i}]`)),
    unsupported: [
      ...unsupportedOf(spec, "spec", ["allowedListeners", "defaultScope"]),
      ...unsupportedOf(infrastructure, "spec.infrastructure", ["parametersRef"]),
      ...unsupportedOf(fieldsOf(spec.tls, "spec.tls"), "spec.tls", ["frontend", "backend"]),
    ],
    status: checkStatus(isJsonObject(fields.status) ? fields.status : {}),
  };
}

function checkAddress(value: unknown, path: string): GatewayAddress {
  const { type, value: text } = fieldsOf(value, path);
  return {
    type: textOf(type, `${path}.type`, "IPAddress"),
    value: textOf(text, `${path}.value`, ""),
  };
}

function checkListener(value: unknown, i: number): GatewayListener {
  const path = `spec.listeners[${i}]`;
  const fields = fieldsOf(value, path);
  const { name, hostname, port, protocol } = fields;
  const isProtocol = typeof protocol === "string" && PROTOCOL.test(protocol);
  const tls = checkTls(fields.tls, `${path}.tls`);
  if (tls !== null && ["HTTP", "TCP", "UDP"].includes(String(protocol))) {
    throw new Malformed(`${path}.tls`, `is set, and protocol ${String(protocol)} has none`);
  }
  if (tls?.mode === "Passthrough" && protocol === "HTTPS") {
    refuse(`${path}.tls.mode`, tls.mode, "Terminate with protocol HTTPS");
  }
  return {
    name: nameOf(name, `${path}.name`),
    hostname: isAbsent(hostname) ? null : hostnameOf(hostname, `${path}.hostname`),
    port: portOf(port, `${path}.port`),
    protocol: isProtocol ? protocol : refuse(`${path}.protocol`, protocol, "HTTP or HTTPS"),
    tls,
    allowedRoutes: checkAllowedRoutes(fields.allowedRoutes, `${path}.allowedRoutes`),
    unsupported: [
      ...unsupportedOf(fields, path, ["filters"]),
      ...unsupportedOf(fieldsOf(fields.tls, `${path}.tls`), `${path}.tls`, ["options"]),
    ],
  };
}

function checkTls(value: unknown, path: string): ListenerTls | null {
  if (value === undefined || value === null) return null;
  const fields = fieldsOf(value, path);
  const refs = listOf(fields.certificateRefs, `${path}.certificateRefs`, CERTIFICATE_REFS_MAX);
  return {
    mode: wordOf(fields.mode, `${path}.mode`, ["Terminate", "Passthrough"], "Terminate"),
    certificateRefs: refs.map((ref, i) => {
      const at = `${path}.certificateRefs[${i}]`;
      return objectRefOf(fieldsOf(ref, at), at, "", "Secret");
    }),
  };
}

function checkAllowedRoutes(value: unknown, path: string): AllowedRoutes {
  const { namespaces, kinds } = fieldsOf(value, path);
  const { from, selector } = fieldsOf(namespaces, `${path}.namespaces`);
  const at = `${path}.namespaces.selector`;
  return {
    from: wordOf(from, `${path}.namespaces.from`, FROM, "Same"),
    selector: selector === undefined || selector === null ? null : checkSelector(selector, at),
    kinds: listOf(kinds, `${path}.kinds`, ROUTE_KINDS_MAX).map((kind, i) => {
      const where = `${path}.kinds[${i}]`;
      return groupKindOf(fieldsOf(kind, where), where, GATEWAY_GROUP, null);
    }),
  };
}

function checkSelector(value: unknown, path: string): LabelSelector {
  const { matchLabels, matchExpressions } = fieldsOf(value, path);
  const labels = Object.entries(fieldsOf(matchLabels, `${path}.matchLabels`));
  if (labels.length > SELECTOR_ENTRIES_MAX) {
    listOf(labels, `${path}.matchLabels`, SELECTOR_ENTRIES_MAX);
  }
  const textAt = (text: unknown, at: string): string =>
    textOf(text, at, null) ?? refuse(at, text, "text");
  const at = `${path}.matchExpressions`;
  return {
    matchLabels: Object.fromEntries(
      labels.map(([key, text]) => [key, textAt(text, `${path}.matchLabels`)]),
    ),
    matchExpressions: listOf(matchExpressions, at, SELECTOR_ENTRIES_MAX).map((entry, i) => {
      const { key, operator, values } = fieldsOf(entry, `${at}[${i}]`);
      const listed = listOf(values, `${at}[${i}].values`, SELECTOR_ENTRIES_MAX);
      return {
        key: textAt(key, `${at}[${i}].key`),
        operator: wordOf(operator, `${at}[${i}].operator`, OPERATORS, null),
        values: listed.map((text, j) => textAt(text, `${at}[${i}].values[${j}]`)),
      };
    }),
  };
}

function checkStatus(status: Fields): GatewayStatus {
  const kindOf = (kind: Fields): GroupKind => groupKindOf(kind, "", GATEWAY_GROUP, null);
  return {
    addresses: statusList(status.addresses, (address) => checkAddress(address, "")),
    conditions: conditionsOf(status.conditions),
    listeners: statusList(status.listeners, (listener) => ({
      name: nameOf(listener.name, "name"),
      supportedKinds: statusList(listener.supportedKinds, kindOf),
      attachedRoutes: Number.isSafeInteger(listener.attachedRoutes)
        ? (listener.attachedRoutes as number)
        : 0,
      conditions: conditionsOf(listener.conditions),
    })),
  };
}

/** Throws `Malformed` when the ReferenceGrant cannot be used. */
export function checkReferenceGrant(fields: Fields, metadata: ObjectMeta): ReferenceGrant {
  const { from, to } = fieldsOf(fields.spec, "spec");
  return {
    kind: "ReferenceGrant",
    metadata,
    from: listOf(from, "spec.from", GRANT_ENTRIES_MAX).map((value, i) => {
      const path = `spec.from[${i}]`;
      const entry = fieldsOf(value, path);
      const namespace = labelOf(entry.namespace, `${path}.namespace`);
      return { ...groupKindOf(entry, path, "", null), namespace };
    }),
    to: listOf(to, "spec.to", GRANT_ENTRIES_MAX).map((value, i) => {
      const path = `spec.to[${i}]`;
      const entry = fieldsOf(value, path);
      const name = isAbsent(entry.name) ? null : nameOf(entry.name, `${path}.name`);
      return { ...groupKindOf(entry, path, "", null), name };
    }),
  };
}
