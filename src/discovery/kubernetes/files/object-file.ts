/**
 * One file of objects: what it said last that made sense, and what was wrong with it since.
 *
 * A file that cannot be parsed, or in which nothing is an object any more, keeps all its objects;
 * an object that is malformed keeps its last good version, and its neighbours are taken in.
 */
import { isDeepStrictEqual } from "node:util";
import { asJson, asText, isJsonObject } from "../../../base/index.ts";
import { checkObject, nameForPeople } from "../check.ts";
import { shown } from "../fields.ts";
import { KINDS, type KindName, type KubernetesObject } from "../objects.ts";
import { type ParsedValue, type PieceCache, parseText } from "./parse.ts";
import { likelyKind, type UnknownField, unknownFieldsOf } from "./unknown-fields.ts";

/** A line for the log: what is wrong in a file, and where. */
export interface FileNote {
  /** The file alone. */
  readonly file: string;
  /** "FILE:LINE:COLUMN". */
  readonly at: string;
  readonly reason: string;
  /**
   * `fault`: the file cannot be used now, `unread`: nor ever yet; `ignored`: nothing is wrong, but
   * nobody reads such objects; `misspelt`: the same, and it looks like one that is read; `unknown`:
   * it is used, without a field that its kind does not have.
   */
  readonly kind:
    | "unread"
    | "fault"
    | "malformed"
    | "duplicate"
    | "ignored"
    | "misspelt"
    | "unknown";
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
  /** Whether its contents made sense once: before that nobody knows what is in it. */
  wasRead = false;
  /** By "Kind namespace/name". */
  objects: ReadonlyMap<string, KubernetesObject> = new Map();
  readonly #cache: PieceCache<Taken> = new Map();

  constructor(path: string) {
    this.path = path;
  }

  /** The file cannot be read, or not be parsed: its objects stay. */
  fail(reason: string, line = 1, column = 1): FileNote {
    const at = `${this.path}:${line}:${column}`;
    this.fault = { file: this.path, at, reason, kind: this.wasRead ? "fault" : "unread" };
    return this.fault;
  }

  /**
   * Takes in new contents, in small steps; nothing is changed before the last one.
   *
   * @returns all there is to say of them.
   */
  *take(text: string, defaultNamespace: string): Generator<undefined, FileNote[]> {
    const isJson = this.path.endsWith(".json");
    const take = (value: unknown): Taken => takenFor(value, defaultNamespace);
    const { values, fault } = yield* parseText(text, isJson, this.#cache, take);
    if (fault !== null) return [this.fail(fault.reason, fault.line, fault.column)];
    const [first] = values;
    if (
      first !== undefined &&
      this.objects.size > 0 &&
      !values.some(({ value }) => value.hasKind)
    ) {
      // The beginning of a file that is being written, or another text by mistake.
      const { line, column } = first.positionOf("kind");
      return [this.fail(NO_KIND, line, column)];
    }
    const notes: FileNote[] = [];
    const objects = new Map<string, KubernetesObject>();
    for (const parsed of values) {
      this.#add(parsed, objects, notes);
      yield;
    }
    this.fault = null;
    this.wasRead = true;
    this.objects = objects;
    return notes;
  }

  #add(
    parsed: ParsedValue<Taken>,
    objects: Map<string, KubernetesObject>,
    notes: FileNote[],
  ): void {
    const note = (kind: FileNote["kind"], path: string, reason: string): void => {
      const { line, column } = parsed.positionOf(path);
      notes.push({ file: this.path, at: `${this.path}:${line}:${column}`, reason, kind });
    };
    const { value } = parsed;
    if (value.problem !== null) note(value.problem.kind, value.problem.path, value.problem.reason);
    // What is passed over as a whole has one reason, not one more for each field.
    const unknown = value.problem === null || value.object !== null ? value.unknown : [];
    for (const { path, reason } of unknown) note("unknown", path, `${value.name}: ${reason}`);
    const { id } = value;
    if (id === null) return;
    const before = this.objects.get(id);
    // Who compares objects by identity sees that this one says the same.
    if (value.object !== null && isDeepStrictEqual(value.object, before)) value.object = before!;
    const object = value.object ?? before;
    if (object === undefined) return;
    if (!objects.has(id)) objects.set(id, object);
    else note("duplicate", "", `${id} is in this file before: that one is used`);
  }
}

/** What a value of a file was taken for. */
interface Taken {
  readonly hasKind: boolean;
  /** "Kind namespace/name" of what is read; else null. */
  readonly id: string | null;
  /** Null: it is not read, or malformed. */
  object: KubernetesObject | null;
  readonly problem: {
    readonly kind: "malformed" | "ignored" | "misspelt";
    readonly path: string;
    readonly reason: string;
  } | null;
  /** "Kind namespace/name", as it says so itself. */
  readonly name: string;
  readonly unknown: readonly UnknownField[];
}

const NOT_READ: Taken = {
  hasKind: true,
  id: null,
  object: null,
  problem: null,
  name: "",
  unknown: [],
};

function takenFor(value: unknown, defaultNamespace: string): Taken {
  const kind = isJsonObject(value) ? value.kind : undefined;
  if (typeof kind !== "string") {
    const problem = { kind: "malformed", path: "kind", reason: NO_KIND } as const;
    return { ...NOT_READ, hasKind: false, problem };
  }
  const name = nameForPeople(/^\w{1,63}$/.test(kind) ? kind : shown(kind), value);
  const { apiVersion } = value as { apiVersion?: unknown };
  if (!isRead(kind, apiVersion)) {
    const meant = likelyKind(kind, apiVersion);
    const hint = meant === null ? "" : `: did you mean ${meant}?`;
    const reason = `${name}: objects of this kind are not read${hint}`;
    const problem = { kind: meant === null ? "ignored" : "misspelt", path: "", reason } as const;
    return { ...NOT_READ, name, problem };
  }
  const { object, problem, dropped, path } = {
    dropped: null,
    ...checkObject(kind as KindName, value, defaultNamespace),
  };
  const reason = problem ?? dropped;
  return {
    hasKind: true,
    id: object === null ? idIn(kind as KindName, value, defaultNamespace) : idOf(object),
    object,
    problem: reason === null ? null : { kind: "malformed", path, reason },
    name,
    unknown: unknownFieldsOf(kind as KindName, value),
  };
}

/** Of a malformed one, whose last good version stays. */
function idIn(kind: KindName, value: unknown, defaultNamespace: string): string {
  const { namespace, name } = asJson(asJson(value).metadata);
  const where = KINDS[kind].isNamespaced ? asText(namespace ?? defaultNamespace) : "";
  return `${kind} ${where}/${asText(name)}`;
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
