/**
 * One file of objects: what it said last that made sense, and what was wrong with it since.
 *
 * A file that cannot be parsed, or in which nothing is an object any more, keeps all its objects;
 * an object that is malformed keeps its last good version, and its neighbours are taken in.
 */
import { isJson } from "../../../base/index.ts";
import { checkObject, nameForPeople } from "../check.ts";
import { shown } from "../fields.ts";
import { KINDS, type KindName, type KubernetesObject } from "../objects.ts";
import { type ParsedValue, type PieceCache, parseText } from "./parse.ts";

/** A line for the log: what is wrong in a file, and where. */
export interface FileNote {
  /** The file alone. */
  readonly file: string;
  /** "FILE:LINE:COLUMN". */
  readonly at: string;
  readonly reason: string;
  /** `ignored`: nothing is wrong, but nobody reads such objects. */
  readonly kind: "fault" | "malformed" | "duplicate" | "ignored";
}

const NO_KIND = "this is no Kubernetes object: it has no kind";

/** See the head of this file. */
export class ObjectFile {
  /** As it is shown: with the directory. */
  readonly path: string;
  /** What identified the contents that were taken in last. */
  stamp = "";
  /** The stamp at the last look; taken in once it stays. */
  seenStamp = "";
  /** Not there at the last look; given up once it stays away. */
  isMissing = false;
  /** Why the file as a whole could not be taken in, or null. */
  fault: FileNote | null = null;
  /** By "Kind namespace/name". */
  objects: ReadonlyMap<string, KubernetesObject> = new Map();
  readonly #cache: PieceCache = new Map();

  constructor(path: string) {
    this.path = path;
  }

  /** The file cannot be read, or not be parsed: its objects stay. */
  fail(reason: string, line = 1, column = 1): FileNote {
    const at = `${this.path}:${line}:${column}`;
    this.fault = { file: this.path, at, reason, kind: "fault" };
    return this.fault;
  }

  /**
   * Takes in new contents.
   *
   * @returns all there is to say of them.
   */
  take(text: string, defaultNamespace: string): FileNote[] {
    const { values, fault } = parseText(text, this.path.endsWith(".json"), this.#cache);
    if (fault !== null) return [this.fail(fault.reason, fault.line, fault.column)];
    const [first] = values;
    if (first !== undefined && this.objects.size > 0 && !values.some(hasKind)) {
      // The beginning of a file that is being written, or another text by mistake.
      const { line, column } = first.positionOf("kind");
      return [this.fail(NO_KIND, line, column)];
    }
    this.fault = null;
    const notes: FileNote[] = [];
    const objects = new Map<string, KubernetesObject>();
    for (const parsed of values) this.#takeOne(parsed, defaultNamespace, objects, notes);
    this.objects = objects;
    return notes;
  }

  #takeOne(
    parsed: ParsedValue,
    defaultNamespace: string,
    objects: Map<string, KubernetesObject>,
    notes: FileNote[],
  ): void {
    const note = (kind: FileNote["kind"], path: string, reason: string): void => {
      const { line, column } = parsed.positionOf(path);
      notes.push({ file: this.path, at: `${this.path}:${line}:${column}`, reason, kind });
    };
    const { value } = parsed;
    const kind = isJson(value) ? value.kind : undefined;
    if (typeof kind !== "string") {
      note("malformed", "kind", NO_KIND);
      return;
    }
    if (!isRead(kind, (value as { apiVersion?: unknown }).apiVersion)) {
      const name = nameForPeople(/^\w{1,63}$/.test(kind) ? kind : shown(kind), value);
      note("ignored", "", `${name}: objects of this kind are not read`);
      return;
    }
    const checked = checkObject(kind as KindName, value, defaultNamespace);
    const problem = checked.problem ?? checked.dropped;
    if (problem !== null) note("malformed", checked.path, problem);
    const object = checked.object ?? this.#lastGood(kind as KindName, value, defaultNamespace);
    if (object === null) return;
    const id = idOf(object);
    if (!objects.has(id)) objects.set(id, object);
    else note("duplicate", "", `${id} is in this file before: that one is used`);
  }

  #lastGood(kind: KindName, value: unknown, defaultNamespace: string): KubernetesObject | null {
    const { namespace, name } = (value as { metadata?: Record<string, unknown> }).metadata ?? {};
    const where = KINDS[kind].isNamespaced ? (namespace ?? defaultNamespace) : "";
    return this.objects.get(`${kind} ${where}/${name}`) ?? null;
  }
}

function hasKind({ value }: ParsedValue): boolean {
  return isJson(value) && typeof value.kind === "string";
}

/** Groups may have kinds of one name: a Service of serving.knative.dev is another thing. */
function isRead(kind: string, apiVersion: unknown): boolean {
  if (!Object.hasOwn(KINDS, kind)) return false;
  if (typeof apiVersion !== "string") return true;
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  return group === KINDS[kind as KindName].group;
}

/** "Kind namespace/name". */
function idOf({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}
