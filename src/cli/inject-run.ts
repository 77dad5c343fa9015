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
 * @returns whether anything was changed.
 * @throws CommandError for a manifest that cannot be read; nothing was written then.
 */
export async function runInject(
  file: string,
  rewrite: (text: string, rewriters: Rewriters) => Rewritten,
): Promise<boolean> {
  const name = file === "-" ? "stdin" : file;
  const text = await readWhole(file, name, MANIFEST_BYTES_MAX);
  if (text.trim() === "") throw new CommandError(`${name}: is empty: a manifest is expected`);
  try {
    const rewritten = rewrite(text, { injectManifest, uninjectManifest });
    await writeOut(rewritten.text);
    const isChanged = rewritten.notes.some(({ outcome }) => outcome !== "skipped");
    process.stderr.write(summaryOf(rewritten.notes, isChanged));
    return isChanged;
  } catch (error) {
    if (error instanceof ManifestError) throw new CommandError(`${name}: ${error.message}`);
    throw error;
  }
}

/** A line each, apart from the manifest: `deployment/echo injected`. */
function summaryOf(notes: readonly ManifestNote[], isChanged: boolean): string {
  const lines = notes.map(({ owner, outcome, reason }) =>
    reason === null ? `${owner} ${outcome}` : `${owner} ${outcome}: ${reason}`,
  );
  if (lines.length === 0) return "nothing to inject\n";
  return `\n${lines.join("\n")}\n${isChanged ? "" : "nothing was changed\n"}\n`;
}
