/**
 * What is wrong with the way to an API server as the user described it: kubeconfig files, the mount
 * of a pod, plugins. Not about what the server answers: see `http/failure.ts`.
 */

/** Its message is one sentence that names the file, the field and what is allowed. No secrets. */
export class ApiAccessError extends Error {
  override readonly name = "ApiAccessError";
}

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
