/**
 * Where the pods of an object are: those of Kubernetes' own workloads, and of lists of them.
 */
import { printable } from "../../base/index.ts";
import type { Path } from "./edits.ts";

/** One pod or pod template in an object. */
export interface PodPlace {
  /** As people say it: "deployment/echo". */
  readonly owner: string;
  readonly path: Path;
}

const TEMPLATE = ["spec", "template"];

/** Kinds with a pod in them, and where it is. */
const PLACES: Readonly<Record<string, Path>> = {
  Pod: [],
  Deployment: TEMPLATE,
  StatefulSet: TEMPLATE,
  DaemonSet: TEMPLATE,
  ReplicaSet: TEMPLATE,
  ReplicationController: TEMPLATE,
  Job: TEMPLATE,
  CronJob: ["spec", "jobTemplate", "spec", "template"],
};

/** Depth of lists in lists. */
const LISTS_MAX = 8;
/** Characters that are shown of an object's kind and name, which nobody has checked. */
const OWNER_CHARS_MAX = 320;

/** What is in an object: its pods, and the names of what has none. */
export function podPlaces(
  object: unknown,
  at: Path = [],
  depth = 0,
): { readonly pods: readonly PodPlace[]; readonly others: readonly string[] } {
  if (typeof object !== "object" || object === null) return { pods: [], others: [] };
  const { kind, items, metadata } = object as Record<string, unknown>;
  const name = `${(textOf(kind) ?? "object").toLowerCase()}/${nameOf(metadata)}`;
  const owner = printable(name, OWNER_CHARS_MAX);
  if (typeof kind === "string" && Object.hasOwn(PLACES, kind)) {
    return { pods: [{ owner, path: [...at, ...PLACES[kind]!] }], others: [] };
  }
  if (!Array.isArray(items) || depth === LISTS_MAX) return { pods: [], others: [owner] };
  const found = items.map((item, i) => podPlaces(item, [...at, "items", i], depth + 1));
  return {
    pods: found.flatMap(({ pods }) => pods),
    others: found.flatMap(({ others }) => others),
  };
}

/** What is at a path; undefined: nothing. */
export function valueAt(object: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null
        ? (value as Record<string | number, unknown>)[key]
        : undefined,
    object,
  );
}

function nameOf(metadata: unknown): string {
  const { name, generateName } = (metadata ?? {}) as Record<string, unknown>;
  return textOf(name) ?? textOf(generateName) ?? "?";
}

/** Numbers too: nobody has checked it. Null for what is no text. */
function textOf(value: unknown): string | null {
  return typeof value === "string" || typeof value === "number" ? String(value) : null;
}
