/**
 * Kubeconfig files: which ones, parsed, and merged as kubectl does.
 *
 * Rules of kubectl ("Organizing Cluster Access Using kubeconfig Files"): `--kubeconfig` is used
 * alone; else the files of KUBECONFIG, where missing ones are passed over; else ~/.kube/config. In
 * a merge the first file that sets a value, or names an entry, wins; entries are never mixed. What
 * the entries hold is checked when they are used (`entries.ts`), so that a broken one that nobody
 * asks for is in nobody's way.
 */
import { readFile, stat } from "node:fs/promises";
import { devNull } from "node:os";
import { delimiter, join } from "node:path";
import { duplicateKeyOffset } from "../../yaml-keys.ts";
import { ApiAccessError } from "../error.ts";
import { fileReason } from "../files.ts";
import { Fields } from "./fields.ts";

/** No kubeconfig comes near it. */
export const KUBECONFIG_BYTES_MAX = 4 * 1024 * 1024;

/** What the files say together. */
export interface Kubeconfig {
  /** Those that were read. */
  readonly files: readonly string[];
  readonly currentContext: string | null;
  readonly contexts: ReadonlyMap<string, Fields>;
  readonly clusters: ReadonlyMap<string, Fields>;
  readonly users: ReadonlyMap<string, Fields>;
}

/** Where kubeconfig files are looked for. */
export interface KubeconfigPlaces {
  /** The value of `--kubeconfig`; null when not given. */
  readonly flag: string | null;
  /** What its reader calls it: "--kubeconfig". */
  readonly flagName: string;
  /** The value of KUBECONFIG. */
  readonly variable: string | undefined;
  /** The user's home; undefined when there is none. */
  readonly home: string | undefined;
}

/**
 * Reads and merges what there is; null when no file is there at all.
 * @throws ApiAccessError when a file cannot be read or understood, or `--kubeconfig` is missing.
 */
export async function readKubeconfig(places: KubeconfigPlaces): Promise<Kubeconfig | null> {
  const parsed: Fields[] = [];
  for (const path of pathsOf(places)) {
    const text = await readText(path);
    if (text !== null) parsed.push(await parse(path, text));
    else if (places.flag !== null)
      throw new ApiAccessError(`${places.flagName} ${path}: no such file`);
  }
  return parsed.length === 0 ? null : merge(parsed);
}

/** The paths that are looked at, in order. */
export function pathsOf({ flag, variable, home }: KubeconfigPlaces): readonly string[] {
  if (flag !== null) return [flag];
  const listed = (variable ?? "").split(delimiter).filter((path) => path !== "");
  if (listed.length > 0) return [...new Set(listed)];
  return home === undefined || home === "" ? [] : [join(home, ".kube", "config")];
}

function merge(files: readonly Fields[]): Kubeconfig {
  const all = (name: string) => {
    const entries = new Map<string, Fields>();
    for (const file of files) {
      for (const [key, entry] of file.named(name)) {
        if (!entries.has(key)) entries.set(key, entry);
      }
    }
    return entries;
  };
  const current = files.map((file) => file.text("current-context"));
  return {
    files: files.map(({ file }) => file),
    currentContext: current.find((name) => name !== null) ?? null,
    contexts: all("contexts"),
    clusters: all("clusters"),
    users: all("users"),
  };
}

/** The text of a file; null when it is not there. */
async function readText(path: string): Promise<string | null> {
  if (path === devNull) return ""; // how people say that there is none
  try {
    const status = await stat(path);
    // A named pipe never ends its text, a device has no end of it.
    if (!status.isFile()) throw new ApiAccessError(`kubeconfig ${path}: must be a regular file`);
    if (status.size > KUBECONFIG_BYTES_MAX) {
      throw new ApiAccessError(`kubeconfig ${path}: larger than ${KUBECONFIG_BYTES_MAX} bytes`);
    }
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof ApiAccessError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new ApiAccessError(`kubeconfig ${path}: cannot be read: ${fileReason(error)}`);
  }
}

/** YAML, of which JSON is a part. An empty file is an empty config, as for kubectl. */
async function parse(path: string, text: string): Promise<Fields> {
  // By its default export: of CommonJS, that is all that a bundle shows of a lazy import.
  const { default: yaml } = await import("yaml");
  const { LineCounter, parseDocument } = yaml;
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    logLevel: "silent",
    uniqueKeys: false,
  });
  const [error] = document.errors;
  const offset = error?.pos[0] ?? duplicateKeyOffset(document.contents);
  if (offset !== null) {
    const { line, col } = lineCounter.linePos(offset);
    // Only the kind of error: its message may quote the text, which may be a secret.
    const kind = error?.code.toLowerCase() ?? "duplicate_key";
    throw new ApiAccessError(`kubeconfig ${path}:${line}:${col}: is not YAML: ${kind}`);
  }
  return new Fields(path, "", toValue(path, document) ?? {});
}

function toValue(
  path: string,
  document: { toJS(options: { maxAliasCount: number }): unknown },
): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw new ApiAccessError(`kubeconfig ${path}: has aliases without an anchor, or too many`);
  }
}
