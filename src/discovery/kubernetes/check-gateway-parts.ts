/**
 * Parts that checks of Gateway API objects have in common: metadata with an age, conditions, groups
 * and kinds, names of other objects, hostnames, headers.
 *
 * A status is written by controllers, ours among others, and only compared: one that is not as it
 * must be counts as none, and never costs the object.
 */
import { isJsonObject } from "../../base/index.ts";
import {
  type Fields,
  fieldsOf,
  labelOf,
  Malformed,
  nameOf,
  portOf,
  refuse,
  textOf,
} from "./fields.ts";
import type {
  BackendRef,
  Condition,
  GroupKind,
  ObjectRef,
  ParentRef,
  VersionedMeta,
} from "./gateway-objects.ts";
import { GATEWAY_GROUP, type ObjectMeta } from "./objects.ts";

/** Entries of any list of a status. */
const STATUS_ENTRIES_MAX = 64;
/** Of a condition's message: what the CRD allows (meta/v1 Condition). */
const MESSAGE_CHARS_MAX = 32_768;

/** Characters of a header's value (CRD). */
export const HEADER_VALUE_CHARS_MAX = 4_096;

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+\-.^_|~]{1,256}$/;
const PRINTABLE = /^[\x20-\x7e\t]*$/;
const KIND = /^[a-zA-Z]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/;
const STATUSES = ["True", "False", "Unknown"] as const;

/** The metadata of an object with what a status, or precedence by age, needs. */
export function versionedMeta(fields: Fields, metadata: ObjectMeta): VersionedMeta {
  const { generation, creationTimestamp } = fieldsOf(fields.metadata, "metadata");
  const isCount = Number.isSafeInteger(generation) && (generation as number) >= 0;
  return {
    ...metadata,
    generation: isCount ? (generation as number) : 0,
    creationTimestamp: textOf(creationTimestamp, "metadata.creationTimestamp", ""),
  };
}

/** "" and null are the same as absent, as the Gateway API's optional names have it. */
export function isAbsent(value: unknown): value is undefined | null | "" {
  return value === undefined || value === null || value === "";
}

/** A group and kind. @param groupAbsent when none is given; "" is the core group. */
export function groupKindOf(
  { group, kind }: Fields,
  path: string,
  groupAbsent: string,
  kindAbsent: string | null,
): GroupKind {
  const isGiven = group !== undefined && group !== null && group !== "";
  return {
    group: isGiven ? nameOf(group, `${path}.group`) : group === "" ? "" : groupAbsent,
    kind: kindOf(kind, `${path}.kind`, kindAbsent),
  };
}

function kindOf(value: unknown, path: string, absent: string | null): string {
  if ((value === undefined || value === null) && absent !== null) return absent;
  const isKind = typeof value === "string" && KIND.test(value);
  return isKind ? value : refuse(path, value, "a kind, such as Service");
}

/** A name of another object. */
export function objectRefOf(
  fields: Fields,
  path: string,
  groupAbsent: string,
  kindAbsent: string,
): ObjectRef {
  const { namespace, name } = fields;
  return {
    ...groupKindOf(fields, path, groupAbsent, kindAbsent),
    namespace: isAbsent(namespace) ? null : labelOf(namespace, `${path}.namespace`),
    name: nameOf(name, `${path}.name`),
  };
}

/** A parent of a route. */
export function parentRefOf(value: unknown, path: string): ParentRef {
  const fields = fieldsOf(value, path);
  const { sectionName, port } = fields;
  return {
    ...objectRefOf(fields, path, GATEWAY_GROUP, "Gateway"),
    sectionName: isAbsent(sectionName) ? null : nameOf(sectionName, `${path}.sectionName`),
    port: port === undefined || port === null ? null : portOf(port, `${path}.port`),
  };
}

/** A hostname, "a.b" or "*.b"; in lower case, as the CRD demands. */
export function hostnameOf(value: unknown, path: string): string {
  const bare = typeof value === "string" && value.startsWith("*.") ? value.slice(2) : value;
  try {
    nameOf(bare, path);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    refuse(path, value, 'a hostname, such as "a.example" or "*.example"');
  }
  // "Hostname ... no IPs are allowed" (its documentation; the CRD's pattern lets IPv4 pass).
  if (/^[\d.]+$/.test(bare as string)) refuse(path, value, "a hostname, not an IP address");
  return value as string;
}

/** A part of a status; `none` when it is not as it must be. */
function statusPart<T>(none: T, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return none;
  }
}

/** Entries of a list of a status, without those that are not as they must be. */
export function statusList<T>(value: unknown, check: (fields: Fields) => T): readonly T[] {
  if (!Array.isArray(value)) return [];
  const checked = value.slice(0, STATUS_ENTRIES_MAX).filter(isJsonObject);
  return checked.flatMap((fields) => statusPart<T[]>([], () => [check(fields)]));
}

/** Conditions of a status. */
export function conditionsOf(value: unknown): readonly Condition[] {
  return statusList(value, (fields) => {
    const { type, status, observedGeneration, lastTransitionTime, reason, message } = fields;
    return {
      type: textOf(type, "type", ""),
      status: STATUSES.find((known) => known === status) ?? "Unknown",
      observedGeneration: Number.isSafeInteger(observedGeneration)
        ? (observedGeneration as number)
        : 0,
      lastTransitionTime: textOf(lastTransitionTime, "lastTransitionTime", ""),
      reason: textOf(reason, "reason", ""),
      message: typeof message === "string" ? message.slice(0, MESSAGE_CHARS_MAX) : "",
    };
  });
}

/** Paths of those of these fields that are set: fields that nobody here knows how to obey. */
export function unsupportedOf(
  fields: Fields,
  path: string,
  names: readonly string[],
): readonly string[] {
  const set = names.filter((name) => fields[name] !== undefined && fields[name] !== null);
  return set.map((name) => (path === "" ? name : `${path}.${name}`));
}

/** The name of a header, in lower case. */
export function headerNameOf(value: unknown, path: string): string {
  const isName = typeof value === "string" && HEADER_NAME.test(value);
  return isName ? value.toLowerCase() : refuse(path, value, "a header's name of up to 256");
}

/** The value of a header. */
export function headerValueOf(value: unknown, path: string): string {
  const isValue =
    typeof value === "string" &&
    value.length >= 1 &&
    value.length <= HEADER_VALUE_CHARS_MAX &&
    PRINTABLE.test(value);
  return isValue
    ? value
    : refuse(path, value, `printable text of 1 to ${HEADER_VALUE_CHARS_MAX} characters`);
}

/** A backend without a weight. */
export function backendRefOf(fields: Fields, path: string): BackendRef {
  const { port } = fields;
  return {
    ...objectRefOf(fields, path, "", "Service"),
    port: port === undefined || port === null ? null : portOf(port, `${path}.port`),
  };
}
