/**
 * `fairlead inject` and `uninject` at work: a manifest in, the rewritten one on stdout, what became
 * of each object on stderr.
 */
import {
  injectManifest,
  MANIFEST_BYTES_MAX,
  ManifestError,
  type ManifestNote,
  type Rewritten,
  uninjectManifest,
} from "../control/index.ts";
import { readWhole } from "./read-whole.ts";
import { writeOut } from "./system.ts";
import { CommandError } from "./usage.ts";

/** What rewrites, loaded with this file. */
interface Rewriters {
  readonly injectManifest: typeof injectManifest;
  readonly uninjectManifest: typeof uninjectManifest;
}

/**
 * Rewrites one manifest.
 * @returns the exit code.
 * @throws CommandError for a manifest that cannot be read; nothing was written then.
 */
export async function runInject(
  file: string,
  rewrite: (text: string, rewriters: Rewriters) => Rewritten,
): Promise<number> {
  const name = file === "-" ? "stdin" : file;
  const text = await readWhole(file, name, MANIFEST_BYTES_MAX);
  if (text.trim() === "") throw new CommandError(`${name}: is empty: a manifest is expected`);
  try {
    const rewritten = rewrite(text, { injectManifest, uninjectManifest });
    await writeOut(rewritten.text);
    process.stderr.write(summaryOf(rewritten.notes));
    return 0;
  } catch (error) {
    if (error instanceof ManifestError) throw new CommandError(`${name}: ${error.message}`);
    throw error;
  }
}

/** A line each, apart from the manifest: `deployment/echo injected`. */
function summaryOf(notes: readonly ManifestNote[]): string {
  const lines = notes.map(({ owner, outcome, reason }) =>
    reason === null ? `${owner} ${outcome}` : `${owner} ${outcome}: ${reason}`,
  );
  return lines.length === 0 ? "nothing to inject\n" : `\n${lines.join("\n")}\n\n`;
}
