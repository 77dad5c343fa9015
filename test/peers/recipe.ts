/**
 * A recipe: how one peer (or a few that come together) gets here, and when that is already done.
 *
 * After a success a stamp with the hash of the recipe's inputs is kept in `.peers/stamps/`. A
 * recipe whose stamp still fits and whose results are still there is not run again.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { peersDir, rootDir } from "./paths.ts";

/** One step of `npm run peers`. */
export interface Recipe {
  readonly name: string;
  /** What it makes, for people. */
  readonly makes: string;
  /** Files whose contents decide whether a stamp still fits. */
  readonly inputs: readonly string[];
  /** Anything else that does, such as a command line. */
  readonly pins: readonly string[];
  /** Whether its results are there, whatever the stamp says. */
  readonly isPresent: () => boolean;
  /** Makes them. Rejects with a sentence that says what is wrong and what to do. */
  readonly run: () => Promise<void>;
}

/** What came of a recipe. */
export type Outcome =
  | { readonly kind: "upToDate" }
  | { readonly kind: "made"; readonly durationMs: number }
  | { readonly kind: "failed"; readonly durationMs: number; readonly reason: string };

/** Runs a recipe unless its stamp fits and its results are there. Never rejects. */
export async function follow(recipe: Recipe): Promise<Outcome> {
  const startedAt = performance.now();
  const stamp = join(peersDir, "stamps", recipe.name);
  try {
    const hash = hashOf(recipe);
    const isFitting = existsSync(stamp) && readFileSync(stamp, "utf8") === hash;
    if (isFitting && recipe.isPresent()) return { kind: "upToDate" };
    rmSync(stamp, { force: true });
    await recipe.run();
    if (!recipe.isPresent()) throw new Error("it ran without an error, but its results are absent");
    mkdirSync(join(peersDir, "stamps"), { recursive: true });
    writeFileSync(stamp, hash);
    return { kind: "made", durationMs: performance.now() - startedAt };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: "failed", durationMs: performance.now() - startedAt, reason };
  }
}

/** Runs a command; its output is shown only when it fails, as part of the reason. */
export function command(
  path: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(path, args, {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: options.cwd ?? rootDir,
      env: { ...process.env, ...options.env },
    });
    let output = "";
    const collect = (bytes: Buffer) => {
      output = (output + bytes.toString()).slice(-6000);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.once("error", (cause: NodeJS.ErrnoException) =>
      failed(new Error(cause.code === "ENOENT" ? `${path} is not installed` : cause.message)),
    );
    child.once("close", (code, signal) => {
      if (code === 0) done();
      else failed(new Error(`${path} ${args.join(" ")}: ${signal ?? `exit ${code}`}\n${output}`));
    });
  });
}

function hashOf(recipe: Recipe): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([recipe.name, process.platform, process.arch, recipe.pins]));
  for (const input of recipe.inputs) {
    hash.update(`\n${relative(rootDir, input)}\n`);
    hash.update(readFileSync(input));
  }
  return hash.digest("hex");
}
