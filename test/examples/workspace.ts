/**
 * A directory as a user of the examples has it: each example in a folder of its own, what it
 * depends on in `node_modules`, and in there `fairlead` as it is published.
 *
 * The other packages are those of the peer `ecosystem`, by symbolic links; `fairlead` is a real
 * directory, so that the optional peers that it imports are found beside it.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stage } from "../../scripts/build.ts";
import { requirePeer, type SkippableTest } from "../peers/find.ts";
import { rootDir } from "../peers/paths.ts";

/** What a developer's own tools come from: they are no part of the peer. */
const DEVELOPMENT = ["typescript", "@typescript"];

/** The copies. */
export interface Workspace {
  /** Absolute path of something in it. */
  path(...parts: readonly string[]): string;
  remove(): void;
}

/**
 * Makes one with everything under `folders` (paths from the root of the checkout), each copied to
 * a folder of its last name. Null when the ecosystem is not installed: the test is then skipped.
 */
export async function openWorkspace(
  t: SkippableTest,
  folders: readonly string[],
): Promise<Workspace | null> {
  const chief = requirePeer(t, "ecosystem");
  if (chief === null) return null;
  const root = mkdtempSync(join(tmpdir(), "fairlead-examples-"));
  const remove = () => rmSync(root, { recursive: true, force: true });
  try {
    linkPackages(dirname(dirname(dirname(chief))), join(root, "node_modules"));
    await stage(join(root, "node_modules", "fairlead"));
    for (const folder of folders) {
      const to = join(root, folder.slice(folder.lastIndexOf("/") + 1));
      cpSync(join(rootDir, folder), to, { recursive: true });
    }
  } catch (error) {
    remove();
    throw error;
  }
  return { path: (...parts) => join(root, ...parts), remove };
}

function linkPackages(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    if (!name.startsWith(".")) symlinkSync(join(from, name), join(to, name));
  }
  for (const name of DEVELOPMENT) symlinkSync(join(rootDir, "node_modules", name), join(to, name));
}
