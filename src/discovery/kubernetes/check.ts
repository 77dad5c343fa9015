/**
 * The check of one Kubernetes object: a JSON value as an API server or a file gives it, into the
 * trimmed shape of `objects.ts`, or one clause that says what is wrong with it.
 *
 * Nothing throws here, whatever the value; nothing of the value is kept that nobody reads, so that
 * thousands of objects stay small. Who counts and logs problems is the source that asks.
 */
import { isDeeperThan, isJsonObject } from "../../base/index.ts";
import { checkGateway, checkGatewayClass, checkReferenceGrant } from "./check-gateway.ts";
import { checkGRPCRoute } from "./check-grpc-route.ts";
import { checkSecret } from "./check-secret.ts";
import { checkService } from "./check-service.ts";
import { checkSlice } from "./check-slice.ts";
import {
  type Fields,
  fieldsOf,
  labelOf,
  Malformed,
  NAME_CHARS_MAX,
  nameOf,
  refuse,
  shown,
  textOf,
} from "./fields.ts";
import {
  GATEWAY_NAME_LABEL,
  KINDS,
  type KindName,
  type ObjectMeta,
  type ObjectOfKind,
  SERVICE_NAME_LABEL,
  ZONE_LABEL,
} from "./objects.ts";

/** What came of a check: an object, or a problem. */
export type CheckedObject<K extends KindName = KindName> =
  | {
      readonly object: ObjectOfKind[K];
      /** One clause about endpoints that were dropped as malformed; null when there are none. */
      readonly dropped: string | null;
      readonly problem: null;
      /** Of the first field that is malformed, such as "endpoints[3].addresses"; or "". */
      readonly path: string;
    }
  | {
      readonly object: null;
      /** One clause: kind, namespace/name, path of the field, and what is allowed. */
      readonly problem: string;
      /** Of the field that is malformed; "" when it is the object as a whole. */
      readonly path: string;
    };

/** Deeper values are no objects that anybody wrote by hand or by program: refused as a whole. */
export const OBJECT_DEPTH_MAX = 100;

/** The labels that are read, and so kept. Namespaces keep all; annotations: `checkService`. */
const LABELS_READ = [SERVICE_NAME_LABEL, ZONE_LABEL, GATEWAY_NAME_LABEL] as const;
const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Checks one object of a kind.
 *
 * @param value parsed JSON or YAML. `kind` and `apiVersion` may be absent, as in lists of an API
 *   server; when they are there they must fit.
 * @param defaultNamespace for objects that name none, which only files have; null: they must.
 */
export function checkObject<K extends KindName>(
  kind: K,
  value: unknown,
  defaultNamespace: string | null = null,
): CheckedObject<K> {
  try {
    if (!isJsonObject(value)) refuse("", value, "an object");
    if (isDeeperThan(value, OBJECT_DEPTH_MAX)) {
      throw new Malformed("", `is nested deeper than ${OBJECT_DEPTH_MAX} levels`);
    }
    checkKind(kind, value);
    const metadata = checkMeta(kind, value.metadata, defaultNamespace);
    const { object, faults } = checkBody(kind, value, metadata);
    const dropped = faults.length === 0 ? null : droppedClause(kind, value, faults);
    const path = faults[0]?.path ?? "";
    const result = { object, dropped, problem: null, path };
    return result as unknown as CheckedObject<K>;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const problem = `${nameForPeople(kind, value)}: ${error.message}`;
    return { object: null, problem, path: error.path };
  }
}

/** "Kind namespace/name" of any value, as far as it says so; long names are cut. */
export function nameForPeople(kind: string, value: unknown): string {
  const metadata = isJsonObject(value) && isJsonObject(value.metadata) ? value.metadata : {};
  const parts = [metadata.namespace, metadata.name].filter((part) => typeof part === "string");
  const isPlain = parts.every(
    (part) => part.length <= NAME_CHARS_MAX && /^[\x21-\x7e]*$/.test(part),
  );
  const name = isPlain ? parts.join("/") : parts.map(shown).join("/");
  return name === "" ? `${kind} without a name` : `${kind} ${name}`;
}

function checkKind(kind: KindName, fields: Fields): void {
  const { apiVersion, otherVersions } = KINDS[kind];
  for (const [field, allowed] of Object.entries({ kind, apiVersion })) {
    const value = fields[field];
    if (value === undefined || value === null || value === allowed) continue;
    if (field === "apiVersion" && otherVersions.some((other) => other === value)) continue;
    refuse(field, value, allowed);
  }
}

function checkMeta(kind: KindName, value: unknown, defaultNamespace: string | null): ObjectMeta {
  const meta = fieldsOf(value, "metadata");
  return {
    name: nameOf(meta.name, "metadata.name"),
    namespace: KINDS[kind].isNamespaced
      ? labelOf(meta.namespace ?? defaultNamespace, "metadata.namespace")
      : "",
    uid: textOf(meta.uid, "metadata.uid", ""),
    resourceVersion: textOf(meta.resourceVersion, "metadata.resourceVersion", ""),
    labels: kind === "Namespace" ? allLabels(meta.labels) : checkLabels(meta.labels),
  };
}

function checkLabels(value: unknown): Readonly<Record<string, string>> {
  const labels = fieldsOf(value, "metadata.labels");
  const kept: Record<string, string> = {};
  for (const key of LABELS_READ) {
    const text = textOf(labels[key], `metadata.labels[${JSON.stringify(key)}]`, null);
    if (text !== null) kept[key] = text;
  }
  return Object.keys(kept).length === 0 ? NO_LABELS : kept;
}

/** All of them: selectors may ask for any. */
function allLabels(value: unknown): Readonly<Record<string, string>> {
  const labels = Object.entries(fieldsOf(value, "metadata.labels"));
  return Object.fromEntries(
    labels.map(([key, text]) => {
      return [key, textOf(text, `metadata.labels[${shown(key)}]`, "")];
    }),
  );
}

function checkBody(
  kind: KindName,
  fields: Fields,
  metadata: ObjectMeta,
): { readonly object: ObjectOfKind[KindName]; readonly faults: readonly Malformed[] } {
  if (kind === "EndpointSlice") return checkSlice(fields, metadata);
  return { object: CHECKS[kind](fields, metadata), faults: [] };
}

/** The check of each kind, of which nothing is dropped: it is good as a whole or malformed. */
const CHECKS = {
  Service: checkService,
  Node: (_, metadata) => ({ kind: "Node", metadata }),
  GatewayClass: checkGatewayClass,
  Gateway: checkGateway,
  GRPCRoute: checkGRPCRoute,
  ReferenceGrant: checkReferenceGrant,
  Namespace: (_, metadata) => ({ kind: "Namespace", metadata }),
  Secret: checkSecret,
} as const satisfies {
  readonly [K in Exclude<KindName, "EndpointSlice">]: (
    fields: Fields,
    metadata: ObjectMeta,
  ) => ObjectOfKind[K];
};

function droppedClause(kind: KindName, value: Fields, faults: readonly Malformed[]): string {
  const what = faults.length === 1 ? "one endpoint" : `${faults.length} endpoints`;
  const first = faults.length === 1 ? "" : "the first: ";
  return `${nameForPeople(kind, value)}: ${what} dropped, ${first}${faults[0].message}`;
}
