/**
 * A directory of files on disk: which are there, what identifies their contents, their text, and a
 * hint when something moves. The only file of `files/` that touches the disk.
 *
 * Flat, as `kubectl apply -f DIR`: files ending in .yaml, .yml and .json, no directories below, no
 * names that begin with a dot. That leaves out what editors write beside a file, and the `..data`
 * of a mounted ConfigMap, whose links are followed.
 */
import { type FSWatcher, statSync, watch } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { DiscoveryError } from "../../error.ts";

/** Bytes of one file of objects. */
export const OBJECT_FILE_BYTES_MAX = 16_777_216;
/** Files in a directory of objects. */
export const OBJECT_FILES_MAX = 10_000;

/** The directory cannot be used, or a file cannot be read. The message is one clause. */
export class FilesError extends DiscoveryError {
  override readonly name = "FilesError";
}

/** @throws FilesError when there is no such directory. */
export function checkDirectory(dir: string): void {
  const found = statSync(dir, { throwIfNoEntry: false });
  const what = found === undefined ? "does not exist" : "is not a directory";
  if (found?.isDirectory() === true) return;
  throw new FilesError(`the directory of objects ${JSON.stringify(dir)} ${what}`);
}

/**
 * Files of objects by name, sorted, with a stamp that changes with their contents.
 *
 * @throws FilesError when the directory cannot be read, or has too many.
 */
export async function listFiles(dir: string): Promise<Map<string, string>> {
  const all = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    throw new FilesError(`${JSON.stringify(dir)} cannot be read: ${error.code}`);
  });
  const names = all.filter((name) => /^[^.].*\.(ya?ml|json)$/.test(name)).sort();
  if (names.length > OBJECT_FILES_MAX) {
    const limit = `at most ${OBJECT_FILES_MAX} are allowed`;
    throw new FilesError(`${JSON.stringify(dir)} has ${names.length} files of objects, ${limit}`);
  }
  const stamps = await Promise.all(names.map((name) => stampOf(join(dir, name))));
  const files = new Map<string, string>();
  for (const [i, name] of names.entries()) if (stamps[i] !== null) files.set(name, stamps[i]);
  return files;
}

/** What identifies the contents of a file; null when it is no file, or gone. */
async function stampOf(path: string): Promise<string | null> {
  const found = await stat(path, { bigint: true }).catch(() => null);
  if (!found?.isFile()) return null;
  return `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}

/** The text of a file. @throws FilesError when it cannot be read, is too large or not UTF-8. */
export async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > OBJECT_FILE_BYTES_MAX) {
      throw new FilesError(`it has ${size} bytes, at most ${OBJECT_FILE_BYTES_MAX} are allowed`);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
  } catch (error) {
    if (error instanceof FilesError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") throw new FilesError("it is not UTF-8");
    throw new FilesError(`it cannot be read: ${code}`);
  }
}

/**
 * Calls `onHint` when something in the directory may have changed. A hint only: some mounts give
 * none, and whoever needs to know must look now and then.
 *
 * @returns ends it.
 */
export function watchDirectory(dir: string, onHint: () => void): () => void {
  let watcher: FSWatcher | null = null;
  try {
    watcher = watch(dir, { persistent: false }, onHint);
    watcher.on("error", () => watcher?.close());
  } catch {
    // No hints here, such as when the system has no watches left.
  }
  return () => watcher?.close();
}
