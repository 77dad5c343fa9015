/**
 * Makes one file of the chunks that certain entries load, all of them, and each as a whole.
 *
 * esbuild cuts a chunk for every set of entries that need the same code: a client of ours, which
 * needs nearly everything of a few rooms, would load ten. Node resolves and reads each by itself,
 * and that, not the code, was most of what an import cost: half of its time and of its memory.
 * Not a bundler of its own: esbuild joins them, and here only the names of imports are mended.
 */
import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import esbuild, { type BuildOptions, type Metafile, type Plugin } from "esbuild";

/** An import of another file of the bundle, as esbuild writes it with white space left out. */
const IMPORT = /\bimport\s*(?:\{([^}]*)\}\s*from)?\s*"(\.[^"]+)";?/g;

/** What is joined stays the only part; all else is found at run time, by the paths that it has. */
const onlyStatic: Plugin = {
  name: "only-static",
  setup(building) {
    building.onResolve({ filter: /.*/ }, ({ path, kind }) =>
      kind === "dynamic-import" || !/^[./]/.test(path) ? { path, external: true } : null,
    );
  },
};

/** How a build went: where its paths begin, and what was made. */
export interface Built {
  readonly root: string;
  readonly metafile: Metafile;
  /** The options of the build that hold for what is joined, too; its banner among them. */
  readonly options: BuildOptions;
}

/**
 * Joins the chunks that all `entries` load into the file `target`, which must lie beside them, and
 * makes every other file of the build import that.
 *
 * @param entries outputs of the build.
 */
export async function mergeChunks(built: Built, entries: string[], target: string): Promise<void> {
  const { root, metafile, options } = built;
  const outputs = new Map(
    Object.entries(metafile.outputs).map(([path, output]) => [resolve(root, path), output]),
  );
  const staticOf = (path: string) =>
    (outputs.get(path)?.imports ?? [])
      .filter(({ kind, external }) => kind === "import-statement" && external !== true)
      .map((each) => resolve(root, each.path));
  const [first = [], ...others] = entries.map((entry) => [...loadedBy(entry, staticOf)]);
  const merged = first.filter((path) => others.every((each) => each.includes(path)));
  const numbers = new Map(merged.map((path, n) => [path, n]));
  const head = options.banner?.js ?? "";
  for (const path of merged) {
    const text = await readFile(path, "utf8");
    if (text.startsWith(head)) await writeFile(path, text.slice(head.length));
  }
  const contents = merged.map((path, n) => reexport(path, outputs.get(path)?.exports ?? [], n));
  await esbuild.build({
    ...options,
    plugins: [onlyStatic],
    stdin: { contents: contents.join("\n"), resolveDir: dirname(target) },
    outfile: target,
  });
  for (const path of outputs.keys()) {
    if (numbers.has(path)) await rm(path);
    else await writeFile(path, mended(await readFile(path, "utf8"), path, numbers, target));
  }
}

/** What is loaded with an entry, without it: before each file, what that one loads. */
function loadedBy(entry: string, staticOf: (path: string) => string[]): Set<string> {
  const seen = new Set<string>([entry]);
  const done = new Set<string>();
  const visit = (path: string): void => {
    for (const next of staticOf(path)) {
      if (seen.has(next)) continue;
      seen.add(next);
      visit(next);
      done.add(next);
    }
  };
  visit(entry);
  return done;
}

/** Names of different chunks may be equal: each gets the chunk's number. */
function reexport(path: string, names: readonly string[], n: number): string {
  const from = JSON.stringify(path);
  if (names.length === 0) return `import ${from};`;
  return `export { ${names.map((name) => `${name} as ${name}$${n}`).join(", ")} } from ${from};`;
}

/** The text of a file with its imports of merged chunks from the target. */
function mended(
  text: string,
  path: string,
  numbers: ReadonlyMap<string, number>,
  target: string,
): string {
  const way = relative(dirname(path), target);
  const from = JSON.stringify(way.startsWith(".") ? way : `./${way}`);
  return text.replaceAll(IMPORT, (all: string, clause: string | undefined, chunk: string) => {
    const n = numbers.get(join(dirname(path), chunk));
    if (n === undefined) return all;
    if (clause === undefined) return `import${from};`;
    const names = clause.split(",").map((each) => {
      const [name = "", as = name] = each.trim().split(/\s+as\s+/);
      return `${name}$${n} as ${as}`;
    });
    return `import{${names.join()}}from${from};`;
  });
}
