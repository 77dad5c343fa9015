/**
 * The check of a GRPCRoute (gateway.networking.k8s.io/v1). Limits and defaults are those of the
 * CRD. What the API knows and nobody here can obey is kept as such, and refused by whoever judges
 * the route, so that its status says so.
 */

import { isJsonObject } from "../../base/index.ts";
import {
  backendRefOf,
  conditionsOf,
  headerNameOf,
  headerValueOf,
  hostnameOf,
  isAbsent,
  parentRefOf,
  statusList,
  unsupportedOf,
  versionedMeta,
} from "./check-gateway-parts.ts";
import { checkFilters } from "./check-grpc-filter.ts";
import {
  type Fields,
  fieldsOf,
  listOf,
  Malformed,
  nameOf,
  refuse,
  textOf,
  wordOf,
} from "./fields.ts";
import type {
  GRPCBackendRef,
  GRPCHeaderMatch,
  GRPCMethodMatch,
  GRPCRoute,
  GRPCRouteMatch,
  GRPCRouteRule,
} from "./gateway-objects.ts";
import type { ObjectMeta } from "./objects.ts";

/** Parents of a route (CRD). */
export const PARENT_REFS_MAX = 32;
/** Hostnames of a route (CRD). */
export const HOSTNAMES_MAX = 16;
/** Rules of a route (CRD). */
export const RULES_MAX = 16;
/** Matches of a rule (CRD). */
export const RULE_MATCHES_MAX = 64;
/** Matches of all rules of a route together (CRD). */
export const ROUTE_MATCHES_MAX = 128;
/** Header matches of a match (CRD). */
export const HEADER_MATCHES_MAX = 16;
/** Backends of a rule (CRD). */
export const BACKEND_REFS_MAX = 16;
/** Weight of a backend (CRD). */
export const WEIGHT_MAX = 1_000_000;
/** Characters of a service or a method (CRD). */
export const METHOD_CHARS_MAX = 1_024;

const TYPES = ["Exact", "RegularExpression"] as const;
const SERVICE = /^\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$/i;
const METHOD = /^[A-Za-z_][A-Za-z_0-9]*$/;
const PRINTABLE = /^[\x20-\x7e\t]*$/;
const ANY_CALL: readonly GRPCRouteMatch[] = Object.freeze([
  Object.freeze({ method: null, headers: Object.freeze([]) }),
]);

/** Throws `Malformed` when the route cannot be used. */
export function checkGRPCRoute(fields: Fields, metadata: ObjectMeta): GRPCRoute {
  const spec = fieldsOf(fields.spec, "spec");
  const parentRefs = listOf(spec.parentRefs, "spec.parentRefs", PARENT_REFS_MAX);
  const hostnames = listOf(spec.hostnames, "spec.hostnames", HOSTNAMES_MAX);
  const rules = listOf(spec.rules, "spec.rules", RULES_MAX).map(checkRule);
  const matchCount = rules.reduce((sum, { matches }) => sum + matches.length, 0);
  if (matchCount > ROUTE_MATCHES_MAX) {
    const clause = `has ${matchCount} matches in all, at most ${ROUTE_MATCHES_MAX} are allowed`;
    throw new Malformed("spec.rules", clause);
  }
  const names = rules.flatMap(({ name }) => (name === null ? [] : [name]));
  if (new Set(names).size < names.length) {
    throw new Malformed("spec.rules", "has two of one name, each must have its own");
  }
  const { parents } = isJsonObject(fields.status) ? fields.status : {};
  return {
    kind: "GRPCRoute",
    metadata: versionedMeta(fields, metadata),
    parentRefs: parentRefs.map((value, i) => parentRefOf(value, `spec.parentRefs[${i}]`)),
    hostnames: hostnames.map((value, i) => hostnameOf(value, `spec.hostnames[${i}]`)),
    rules,
    unsupported: unsupportedOf(spec, "spec", ["useDefaultGateways"]),
    parents: statusList(parents, (parent) => ({
      parentRef: parentRefOf(parent.parentRef, "parentRef"),
      controllerName: textOf(parent.controllerName, "controllerName", ""),
      conditions: conditionsOf(parent.conditions),
    })),
  };
}

function checkRule(value: unknown, i: number): GRPCRouteRule {
  const path = `spec.rules[${i}]`;
  const fields = fieldsOf(value, path);
  const matches = listOf(fields.matches, `${path}.matches`, RULE_MATCHES_MAX);
  const backendRefs = listOf(fields.backendRefs, `${path}.backendRefs`, BACKEND_REFS_MAX);
  return {
    name: isAbsent(fields.name) ? null : nameOf(fields.name, `${path}.name`),
    // "If no matches are specified, the implementation MUST match every gRPC request."
    matches:
      matches.length === 0
        ? ANY_CALL
        : matches.map((match, j) => checkMatch(match, `${path}.matches[${j}]`)),
    filters: checkFilters(fields.filters, `${path}.filters`),
    backendRefs: backendRefs.map((ref, j) => checkBackend(ref, `${path}.backendRefs[${j}]`)),
    unsupported: unsupportedOf(fields, path, ["sessionPersistence"]),
  };
}

function checkMatch(value: unknown, path: string): GRPCRouteMatch {
  const { method, headers } = fieldsOf(value, path);
  const listed = listOf(headers, `${path}.headers`, HEADER_MATCHES_MAX);
  const checked = listed.map((header, i) => checkHeader(header, `${path}.headers[${i}]`));
  return {
    method: method === undefined || method === null ? null : checkMethod(method, `${path}.method`),
    // "only the first entry with an equivalent name MUST be considered for a match"
    headers: checked.filter(
      ({ name }, i) => checked.findIndex((other) => other.name === name) === i,
    ),
  };
}

function checkMethod(value: unknown, path: string): GRPCMethodMatch {
  const fields = fieldsOf(value, path);
  const type = wordOf(fields.type, `${path}.type`, TYPES, "Exact");
  const partOf = (part: "service" | "method", exact: RegExp): string | null => {
    const text = fields[part];
    if (isAbsent(text)) return null;
    const isPart = typeof text === "string" && text.length <= METHOD_CHARS_MAX;
    if (!isPart || !PRINTABLE.test(text)) {
      return refuse(`${path}.${part}`, text, `text of up to ${METHOD_CHARS_MAX}`);
    }
    if (type === "Exact" && !exact.test(text)) refuse(`${path}.${part}`, text, `a ${part}'s name`);
    return text;
  };
  const service = partOf("service", SERVICE);
  const method = partOf("method", METHOD);
  if (service !== null || method !== null) return { type, service, method };
  // As the CRD, which fills in the type before it looks: a field misspelt would match every call.
  throw new Malformed(path, "has neither service nor method, must have one or both");
}

function checkHeader(value: unknown, path: string): GRPCHeaderMatch {
  const { type, name, value: text } = fieldsOf(value, path);
  return {
    type: wordOf(type, `${path}.type`, TYPES, "Exact"),
    name: headerNameOf(name, `${path}.name`),
    value: headerValueOf(text, `${path}.value`),
  };
}

function checkBackend(value: unknown, path: string): GRPCBackendRef {
  const fields = fieldsOf(value, path);
  const weight = fields.weight ?? 1;
  const isWeight =
    Number.isInteger(weight) && (weight as number) >= 0 && (weight as number) <= WEIGHT_MAX;
  return {
    ...backendRefOf(fields, path),
    weight: isWeight
      ? (weight as number)
      : refuse(`${path}.weight`, weight, `a whole number from 0 to ${WEIGHT_MAX}`),
    filters: checkFilters(fields.filters, `${path}.filters`),
  };
}
