/**
 * What has to change in a pod (or a pod template) to inject it, or to take everything back: edits
 * of plain JSON, for a manifest as for an admission review.
 *
 * Pure. A pod is injected once however often it is asked for; with other options it is injected
 * anew.
 */
import { createHash } from "node:crypto";
import { isJsonObject, type Json } from "../../base/index.ts";
import { type Container, injectedContainers, injectedVolumes, type Volume } from "./containers.ts";
import {
  INJECT_KEY,
  type InjectOptions,
  PROXY_CONTAINER,
  RULES_CONTAINER,
  STATUS_KEY,
  TLS_VOLUME,
} from "./options.ts";

/** Where in an object. */
export type Path = readonly (string | number)[];

/** One change; `add` into a list shifts what is behind (RFC 6902 §4). */
export type Edit =
  | { readonly op: "add" | "replace"; readonly path: Path; readonly value: unknown }
  | { readonly op: "remove"; readonly path: Path };

/** What becomes of a pod. `reason` is one clause for people. */
export type Verdict =
  | { readonly kind: "changed"; readonly edits: readonly Edit[] }
  | { readonly kind: "skipped"; readonly reason: string };

const SKIP = (reason: string): Verdict => ({ kind: "skipped", reason });

/**
 * The edits that inject a pod.
 *
 * @param at where the pod is in its object.
 */
export function injection(pod: unknown, options: InjectOptions, at: Path): Verdict {
  const { metadata, annotations, spec } = partsOf(pod);
  if (spec === null) return SKIP("it has no spec");
  if (annotations?.[INJECT_KEY] === "disabled") return SKIP(`annotation ${INJECT_KEY}: disabled`);
  const hindrance = malformed(metadata, spec) ?? hindranceOf(spec, options);
  if (hindrance !== null) return SKIP(hindrance);
  const containers = injectedContainers(options);
  const volumes = injectedVolumes(options);
  const hash = hashOf(volumes.length === 0 ? containers : [...containers, ...volumes]);
  const status = statusOf(annotations);
  const own = namesOf(spec).filter(isOurs);
  if (new Set(own).size < own.length) return SKIP(`it has two containers of one name: ${own[0]}`);
  if (status?.hash === hash) return SKIP("injected already");
  if (status === null && own.length > 0) {
    return SKIP(`it has a container ${PROXY_CONTAINER} or ${RULES_CONTAINER} of its own`);
  }
  if (status === null && listOf(spec.volumes).some(isOurVolume)) {
    return SKIP(`it has a volume ${TLS_VOLUME} of its own`);
  }
  const before = status === null ? [] : removals(spec, at);
  const made = status?.made ?? madeBy(fieldsOf(pod), metadata, spec);
  const value = JSON.stringify({ hash, made });
  return {
    kind: "changed",
    edits: [
      ...before,
      ...annotate(metadata, annotations, value, at),
      ...insert(spec, containers, at),
      ...insertVolumes(spec, volumes, at),
    ],
  };
}

/** The edits that take back all that `injection` did. */
export function removal(pod: unknown, at: Path): Verdict {
  const { annotations, spec } = partsOf(pod);
  const status = statusOf(annotations);
  if (spec === null || status === null) return SKIP("not injected");
  const edits: Edit[] = [...removals(spec, at)];
  // Takes away what was made, and puts back a null.
  const takeBack = (name: string, path: Path): boolean => {
    if (status.made.includes(name)) edits.push({ op: "remove", path: [...at, ...path] });
    else if (status.made.includes(`${name}:null`)) {
      edits.push({ op: "replace", path: [...at, ...path], value: null });
    } else return false;
    return true;
  };
  const rest = listOf(spec.initContainers).filter((each) => !isOurs(nameOf(each)));
  if (rest.length === 0) takeBack("initContainers", ["spec", "initContainers"]);
  // Empty when other options took ours away.
  if (Array.isArray(spec.volumes) && spec.volumes.every(isOurVolume))
    takeBack("volumes", ["spec", "volumes"]);
  const others = Object.keys(annotations ?? {}).filter((key) => key !== STATUS_KEY);
  const isEmpty = others.length === 0;
  const isGone =
    isEmpty &&
    (takeBack("metadata", ["metadata"]) || takeBack("annotations", ["metadata", "annotations"]));
  if (!isGone) edits.push({ op: "remove", path: [...at, "metadata", "annotations", STATUS_KEY] });
  return { kind: "changed", edits };
}

/** What would be lost, or make no pod, if something was put beside it; null: nothing. */
function malformed(metadata: Json | null, spec: Json): string | null {
  for (const name of ["containers", "initContainers", "volumes"]) {
    const list = spec[name];
    // The server says null of a list that is empty.
    if (list === undefined || (list === null && name !== "containers")) continue;
    if (!Array.isArray(list) || list.some((each) => fieldsOf(each) === null)) {
      return `its ${name} are no list of ${name === "volumes" ? "volumes" : "containers"}`;
    }
  }
  const annotations = metadata?.annotations ?? null;
  return annotations === null || fieldsOf(annotations) !== null
    ? null
    : "its annotations are no map";
}

/** Why a pod cannot be captured; null when it can. */
function hindranceOf(spec: Json, { proxyUid }: InjectOptions): string | null {
  if (spec.hostNetwork === true) return "hostNetwork: rules would capture the whole node";
  const users = [spec, ...listOf(spec.containers), ...listOf(spec.initContainers)].filter(
    (each) => !isOurs(nameOf(each)) && userOf(each) === proxyUid,
  );
  return users.length === 0 ? null : `it runs as user ${proxyUid}, which is the proxy's own`;
}

/** A number, or what a template made a text of one. */
function userOf(container: unknown): number | null {
  const user = fieldsOf(fieldsOf(container)?.securityContext)?.runAsUser;
  return ["number", "bigint", "string"].includes(typeof user) ? Number(user) : null;
}

/** The objects that hold our parts. */
const HOLDERS = ["metadata", "annotations", "initContainers", "volumes"];

/**
 * Which of the objects that hold our parts the pod does not have: they go with these. "NAME:null"
 * is there, and null.
 */
function madeBy(pod: Json | null, metadata: Json | null, spec: Json): string[] {
  const parts: [string, unknown][] = [
    ["metadata", pod?.metadata],
    ["annotations", metadata === null ? {} : metadata.annotations],
    ["initContainers", spec.initContainers],
    ["volumes", spec.volumes],
  ];
  return parts.flatMap(([name, value]) => {
    if (value === null) return [`${name}:null`];
    return value === undefined ? [name] : [];
  });
}

function annotate(
  metadata: Json | null,
  annotations: Json | null,
  value: string,
  at: Path,
): Edit[] {
  const path = [...at, "metadata"];
  if (metadata === null) {
    return [{ op: "add", path, value: { annotations: { [STATUS_KEY]: value } } }];
  }
  if (annotations === null) {
    return [{ op: "add", path: [...path, "annotations"], value: { [STATUS_KEY]: value } }];
  }
  const op = STATUS_KEY in annotations ? "replace" : "add";
  return [{ op, path: [...path, "annotations", STATUS_KEY], value }];
}

/** Before all others: init containers of the pod find the network as the pod will have it. */
function insert(spec: Json, containers: readonly Container[], at: Path): Edit[] {
  const path = [...at, "spec", "initContainers"];
  if (!Array.isArray(spec.initContainers)) return [{ op: "add", path, value: containers }];
  return containers.map((value, i) => ({ op: "add", path: [...path, i], value }));
}

/** Behind all others. */
function insertVolumes(spec: Json, volumes: readonly Volume[], at: Path): Edit[] {
  if (volumes.length === 0) return [];
  const path = [...at, "spec", "volumes"];
  if (!Array.isArray(spec.volumes)) return [{ op: "add", path, value: volumes }];
  const from = spec.volumes.filter((each) => !isOurVolume(each)).length;
  return volumes.map((value, i) => ({ op: "add", path: [...path, from + i], value }));
}

/** The containers and the volumes. */
function removals(spec: Json, at: Path): Edit[] {
  const volumes = [...listOf(spec.volumes).keys()].filter((i) =>
    isOurVolume(listOf(spec.volumes)[i]),
  );
  return [
    ...containerRemovals(spec, at),
    ...volumes
      .reverse()
      .map((i) => ({ op: "remove", path: [...at, "spec", "volumes", i] }) as const),
  ];
}

function containerRemovals(spec: Json, at: Path): Edit[] {
  const indexes = [...listOf(spec.initContainers).keys()].filter((i) =>
    isOurs(nameOf(listOf(spec.initContainers)[i])),
  );
  // From behind, so that no index moves before its turn.
  return indexes
    .reverse()
    .map((i) => ({ op: "remove", path: [...at, "spec", "initContainers", i] }) as const);
}

function hashOf(containers: readonly Container[]): string {
  return createHash("sha256").update(JSON.stringify(containers)).digest("hex").slice(0, 16);
}

/** Null: not injected, or its annotation was changed by somebody. */
function statusOf(annotations: Json | null): { hash: string; made: readonly string[] } | null {
  const text = annotations?.[STATUS_KEY];
  if (typeof text !== "string") return null;
  try {
    const { hash, made } = JSON.parse(text) as Json;
    const isStatus = typeof hash === "string" && Array.isArray(made) && made.every(isMade);
    return isStatus ? { hash, made } : null;
  } catch {
    return null;
  }
}

/** What `madeBy` says: whatever else stands there is not said again. */
function isMade(value: unknown): boolean {
  return typeof value === "string" && HOLDERS.includes(value.replace(/:null$/, ""));
}

function partsOf(pod: unknown) {
  const metadata = fieldsOf(fieldsOf(pod)?.metadata);
  return {
    metadata,
    annotations: fieldsOf(metadata?.annotations),
    spec: fieldsOf(fieldsOf(pod)?.spec),
  };
}

function namesOf(spec: Json): string[] {
  return [...listOf(spec.containers), ...listOf(spec.initContainers)].map(nameOf);
}

function isOurs(name: string): boolean {
  return name === PROXY_CONTAINER || name === RULES_CONTAINER;
}

function isOurVolume(volume: unknown): boolean {
  return nameOf(volume) === TLS_VOLUME;
}

function nameOf(container: unknown): string {
  const name = fieldsOf(container)?.name;
  return typeof name === "string" ? name : "";
}

function fieldsOf(value: unknown): Json | null {
  return isJsonObject(value) ? value : null;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
