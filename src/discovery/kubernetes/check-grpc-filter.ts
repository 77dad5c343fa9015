/** The check of the filters of a GRPCRoute's rule, or of one of its backends. */
import { backendRefOf, headerNameOf, headerValueOf, objectRefOf } from "./check-gateway-parts.ts";
import { type Fields, fieldsOf, listOf, Malformed, refuse, wordOf } from "./fields.ts";
import type { GRPCRouteFilter } from "./gateway-objects.ts";

/** Filters of a rule or a backend (CRD). */
export const FILTERS_MAX = 16;
/** Headers in each list of a header modifier (CRD). */
export const MODIFIED_HEADERS_MAX = 16;

const TYPES = [
  "RequestHeaderModifier",
  "ResponseHeaderModifier",
  "RequestMirror",
  "ExtensionRef",
] as const;
/** The field that each type has, and may have no other of. */
const FIELD_OF = {
  RequestHeaderModifier: "requestHeaderModifier",
  ResponseHeaderModifier: "responseHeaderModifier",
  RequestMirror: "requestMirror",
  ExtensionRef: "extensionRef",
} as const;
const I32_MAX = 2_147_483_647;

/** Throws `Malformed` when one of the filters cannot be used. */
export function checkFilters(value: unknown, path: string): readonly GRPCRouteFilter[] {
  const filters = listOf(value, path, FILTERS_MAX).map((filter, i) => {
    return checkFilter(fieldsOf(filter, `${path}[${i}]`), `${path}[${i}]`);
  });
  for (const once of ["RequestHeaderModifier", "ResponseHeaderModifier"] as const) {
    if (filters.filter(({ type }) => type === once).length > 1) {
      throw new Malformed(path, `has ${once} twice, once is allowed`);
    }
  }
  return filters;
}

function checkFilter(fields: Fields, path: string): GRPCRouteFilter {
  const type = wordOf(fields.type, `${path}.type`, TYPES, null);
  for (const [other, field] of Object.entries(FIELD_OF)) {
    const isSet = fields[field] !== undefined && fields[field] !== null;
    if (other === type && !isSet) refuse(`${path}.${field}`, null, `there with type ${type}`);
    if (other !== type && isSet) {
      throw new Malformed(`${path}.${field}`, `is set, and type is ${type}`);
    }
  }
  const at = `${path}.${FIELD_OF[type]}`;
  const body = fieldsOf(fields[FIELD_OF[type]], at);
  switch (type) {
    case "RequestHeaderModifier":
    case "ResponseHeaderModifier":
      return checkModifier(type, body, at);
    case "RequestMirror":
      return checkMirror(body, at);
    case "ExtensionRef":
      return { type, ref: objectRefOf(body, at, "", "") };
  }
}

function checkModifier(
  type: "RequestHeaderModifier" | "ResponseHeaderModifier",
  body: Fields,
  path: string,
): GRPCRouteFilter {
  const pairsOf = (name: "set" | "add"): readonly (readonly [string, string])[] => {
    const listed = listOf(body[name], `${path}.${name}`, MODIFIED_HEADERS_MAX);
    return listed.map((value, i) => {
      const at = `${path}.${name}[${i}]`;
      const fields = fieldsOf(value, at);
      return [
        headerNameOf(fields.name, `${at}.name`),
        headerValueOf(fields.value, `${at}.value`),
      ] as const;
    });
  };
  const removed = listOf(body.remove, `${path}.remove`, MODIFIED_HEADERS_MAX);
  return {
    type,
    set: pairsOf("set"),
    add: pairsOf("add"),
    remove: removed.map((name, i) => headerNameOf(name, `${path}.remove[${i}]`)),
  };
}

function checkMirror(body: Fields, path: string): GRPCRouteFilter {
  const { percent, fraction } = body;
  const at = `${path}.backendRef`;
  const backend = backendRefOf(fieldsOf(body.backendRef, at), at);
  const wholeOf = (value: unknown, where: string, from: number, to: number): number =>
    Number.isInteger(value) && (value as number) >= from && (value as number) <= to
      ? (value as number)
      : refuse(where, value, `a whole number from ${from} to ${to}`);
  if (fraction !== undefined && fraction !== null) {
    if (percent !== undefined && percent !== null) {
      throw new Malformed(`${path}.percent`, "and fraction are set, one of them is allowed");
    }
    const fields = fieldsOf(fraction, `${path}.fraction`);
    const whole = `${path}.fraction.denominator`;
    const denominator = wholeOf(fields.denominator ?? 100, whole, 1, I32_MAX);
    const numerator = wholeOf(fields.numerator, `${path}.fraction.numerator`, 0, denominator);
    return { type: "RequestMirror", backend, numerator, denominator };
  }
  const numerator = wholeOf(percent ?? 100, `${path}.percent`, 0, 100);
  return { type: "RequestMirror", backend, numerator, denominator: 100 };
}
