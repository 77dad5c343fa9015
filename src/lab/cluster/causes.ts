/**
 * The rules that a field of an object can break, in the words of apimachinery's `field` package,
 * and the checks of names that all kinds share.
 */
import { isIP } from "node:net";
import type { Cause } from "./status.ts";

/** A value as messages quote it: Go's %#v for text, JSON for the rest. */
function quoted(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

/** A field that must be there. */
export function required(field: string, detail = ""): Cause {
  const message = `Required value${detail === "" ? "" : `: ${detail}`}`;
  return { reason: "FieldValueRequired", message, field };
}

/** A value that breaks a rule. */
export function invalidValue(field: string, value: unknown, detail: string): Cause {
  const message = `Invalid value: ${quoted(value)}: ${detail}`;
  return { reason: "FieldValueInvalid", message, field };
}

/** A value that must not be there. */
export function forbiddenField(field: string, detail: string): Cause {
  return { reason: "FieldValueForbidden", message: `Forbidden: ${detail}`, field };
}

/** A value that is none of those allowed. */
export function notSupported(field: string, value: unknown, allowed: readonly string[]): Cause {
  const list = allowed.map(quoted).join(", ");
  const message = `Unsupported value: ${quoted(value)}: supported values: ${list}`;
  return { reason: "FieldValueNotSupported", message, field };
}

/** The second of two that are the same. */
export function duplicate(field: string, value: unknown): Cause {
  return { reason: "FieldValueDuplicate", message: `Duplicate value: ${quoted(value)}`, field };
}

/** A list that is too long. */
export function tooMany(field: string, count: number, max: number): Cause {
  const message = `Too many: ${count}: must have at most ${max} items`;
  return { reason: "FieldValueTooMany", message, field };
}

const SUBDOMAIN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or " +
  "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used " +
  `for validation is '${SUBDOMAIN}')`;
const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and " +
  "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used " +
  `for validation is '${LABEL}')`;

/** What is wrong with a name of an RFC 1123 subdomain's form: nothing or one cause. */
export function subdomainCauses(field: string, name: string): Cause[] {
  if (name.length > 253) return [invalidValue(field, name, "must be no more than 253 bytes")];
  if (new RegExp(`^${SUBDOMAIN}$`).test(name)) return [];
  return [invalidValue(field, name, SUBDOMAIN_RULE)];
}

/** What is wrong with the name of a Service: nothing or one cause. */
export function serviceNameCauses(field: string, name: string): Cause[] {
  if (name.length > 63) return [invalidValue(field, name, "must be no more than 63 bytes")];
  if (new RegExp(`^${LABEL}$`).test(name)) return [];
  return [invalidValue(field, name, LABEL_RULE)];
}

/** What is wrong with an address of a family: nothing or one cause. */
export function addressCauses(
  field: string,
  index: number,
  address: unknown,
  family: "IPv4" | "IPv6",
): Cause[] {
  const found = typeof address === "string" ? isIP(address) : 0;
  if (found === (family === "IPv4" ? 4 : 6)) return [];
  // The real server names the item in the one case and the list in the other.
  if (found !== 0) return [invalidValue(field, address, `must be an ${family} address`)];
  const rule = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
  return [invalidValue(`${field}[${index}]`, address, rule)];
}
