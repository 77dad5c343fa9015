/**
 * The package as `npm pack` packs it, for tests: the archive, and what is in it, in a directory
 * without the sources.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stage } from "../../scripts/build.ts";
import { runProcess } from "../peers/processes.ts";

/** A packed package. */
export interface Packed {
  /** A directory of the test's own, which holds the others. */
  readonly directory: string;
  /** The .tgz file. */
  readonly archive: string;
  /** What is in it, unpacked. */
  readonly root: string;
  /** Removes all. */
  remove(): void;
}

/** Builds and packs. */
export async function packPackage(): Promise<Packed> {
  const directory = mkdtempSync(join(tmpdir(), "fairlead-package-"));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const staged = join(directory, "staged");
    mkdirSync(staged);
    await stage(staged);
    const pack = ["pack", "--ignore-scripts", "--pack-destination", directory, "--loglevel=error"];
    const packed = await runProcess("npm", pack, { cwd: staged });
    assert.equal(packed.code, 0, packed.stderr);
    const name = readdirSync(directory).find((each) => each.endsWith(".tgz"));
    assert.ok(name !== undefined, "npm pack made an archive");
    const unpacked = await runProcess("tar", ["-xzf", name], { cwd: directory });
    assert.equal(unpacked.code, 0, unpacked.stderr);
    rmSync(staged, { recursive: true });
    return { directory, archive: join(directory, name), root: join(directory, "package"), remove };
  } catch (error) {
    remove();
    throw error;
  }
}
