/**
 * Label and field selectors: text to a predicate. The grammar is that of `labels.Parse` and
 * `fields.ParseSelector` in apimachinery.
 */
import { asJson, asText } from "../../base/index.ts";
import type { ApiObject } from "./object.ts";
import { resourceOf } from "./resources.ts";
import { badRequest } from "./status.ts";

/** Whether an object is selected. */
export type Selector = (object: ApiObject) => boolean;

const KEY = "[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?";
const VALUE = "[A-Za-z0-9._-]*";
const EQUALITY = new RegExp(`^(${KEY})\\s*(=|==|!=)\\s*(${VALUE})$`);
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const EXISTS = new RegExp(`^(!?)\\s*(${KEY})$`);

/** Selects everything. */
export const everything: Selector = () => true;

/** Reads a labelSelector; "" selects everything. Throws 400. */
export function parseLabelSelector(text: string): Selector {
  const parts = splitOutsideParentheses(text).filter((part) => part !== "");
  if (parts.length === 0) return everything;
  const rules = parts.map((part) => labelRule(part, text));
  return (object) => rules.every((rule) => rule(object.metadata.labels ?? {}));
}

type LabelRule = (labels: Readonly<Record<string, string>>) => boolean;

function labelRule(part: string, whole: string): LabelRule {
  const equality = EQUALITY.exec(part);
  if (equality) {
    const [, key, operator, value] = equality as unknown as [string, string, string, string];
    // A label that is not there is unlike every value.
    return operator === "!="
      ? (labels) => labels[key] !== value
      : (labels) => labels[key] === value;
  }
  const set = SET.exec(part);
  if (set) {
    const [, key, operator, list] = set as unknown as [string, string, string, string];
    const values = new Set(list.split(",").map((value) => value.trim()));
    return (labels) => {
      const has = labels[key] !== undefined && values.has(labels[key]);
      return operator === "in" ? has : !has;
    };
  }
  const exists = EXISTS.exec(part);
  if (!exists) {
    throw badRequest(`unable to parse requirement: found '${part}' in labelSelector '${whole}'`);
  }
  const [, not, key] = exists as unknown as [string, string, string];
  return (labels) => Object.hasOwn(labels, key) === (not === "");
}

function splitOutsideParentheses(text: string): string[] {
  return text.split(/,(?![^(]*\))/).map((part) => part.trim());
}

/** What a field selector may name beside metadata.name and metadata.namespace. */
const POD_FIELDS: Readonly<Record<string, (pod: ApiObject) => string>> = {
  "spec.nodeName": (pod) => asText(asJson(pod.spec).nodeName),
  "status.phase": (pod) => asText(asJson(pod.status).phase),
  "status.podIP": (pod) => asText(asJson(pod.status).podIP),
};

/** Reads a fieldSelector for a kind; "" selects everything. Throws 400. */
export function parseFieldSelector(text: string, kind: string): Selector {
  const parts = text.split(",").filter((part) => part !== "");
  if (parts.length === 0) return everything;
  const rules = parts.map((part): Selector => {
    const match = /^([^=!]+?)(==|=|!=)(.*)$/.exec(part);
    if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    const [, path, operator, value] = match as unknown as [string, string, string, string];
    const field = fieldOf(path, kind);
    return (object) => (field(object) === value) === (operator !== "!=");
  });
  return (object) => rules.every((rule) => rule(object));
}

function fieldOf(path: string, kind: string): (object: ApiObject) => string {
  if (path === "metadata.name") return (object) => object.metadata.name;
  if (path === "metadata.namespace") return (object) => object.metadata.namespace ?? "";
  if (kind === "Secret" && path === "type") return (object) => asText(object.type);
  if (kind === "Pod" && Object.hasOwn(POD_FIELDS, path)) return POD_FIELDS[path]!;
  const group = resourceOf(kind).group;
  if (group === "") throw badRequest(`field label not supported: ${path}`);
  throw badRequest(
    `"${path}" is not a known field selector: only "metadata.name", "metadata.namespace"`,
  );
}
