/**
 * Small files that a user names: read whole, and told apart by a stamp when they change.
 *
 * Synchronous: the files are local and small, and a read that nothing can come between has no
 * half-states. For tokens, certificates and keys.
 */
import { readFileSync, statSync } from "node:fs";
import { ApiAccessError } from "./error.ts";

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "permission denied",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of the path is not a directory",
  ELOOP: "too many symbolic links",
};

/** Why a file cannot be read, as part of a sentence. */
export function fileReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? "";
  return SYSTEM_REASONS[code] ?? (code === "" ? String(error) : code);
}

/**
 * The text of a regular file.
 * @param name as it stands at the beginning of messages.
 * @throws ApiAccessError when it cannot be read, or is larger than `bytesMax`.
 */
export function readSmallFile(name: string, path: string, bytesMax: number): string {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new ApiAccessError(`${name}: must be a regular file`);
    if (stat.size > bytesMax) throw new ApiAccessError(`${name}: larger than ${bytesMax} bytes`);
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof ApiAccessError) throw error;
    throw new ApiAccessError(`${name}: cannot be read: ${fileReason(error)}`);
  }
}

/** Changes when the file does: a swapped symbolic link leads to another inode. */
export function stampOf(path: string): string {
  try {
    const s = statSync(path, { bigint: true });
    return `${s.dev}:${s.ino}:${s.size}:${s.mtimeNs}:${s.ctimeNs}`;
  } catch (error) {
    return fileReason(error);
  }
}
