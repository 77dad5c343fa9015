/**
 * `npm run build`: makes `dist/`, which is what the published package runs.
 *
 * One bundle for the command and all public subpaths, in chunks: each loads only its own, and what
 * many need is there once. The libraries are inside and their licences beside them; types by tsc.
 * The package then has no dependencies. What is built works without `src/`.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import esbuild, { type BuildOptions, type Metafile, type Plugin } from "esbuild";
import { bundlePage } from "../web/bundle.ts";
import { mergeChunks } from "./merge-chunks.ts";
import { pruneTypes } from "./prune-types.ts";
import { smallSources } from "./small-sources.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Public subpaths of the package: where they land in dist/, and the source of each. */
const SUBPATHS: Record<string, string> = {
  client: "src/client/plain/public.ts",
  "grpc-js": "src/client/grpc-js/public.ts",
  connect: "src/client/connect/public.ts",
  proxy: "src/proxy/public.ts",
  control: "src/control/public.ts",
  testing: "src/testing/public.ts",
};

/** Those of them that an application imports into itself: their import must be cheap. */
const CLIENTS = ["client", "grpc-js", "connect"];

/** The lab's child processes, which it finds beside its own code. */
const LAB_PROGRAMS = [
  "pod",
  "caller",
  "http1-caller",
  "clusterip",
  "kubelet",
  "leash",
  "apiserver",
];

/** Bundled into the page, and so not in any bundle that esbuild tells of here. */
const PAGE_PACKAGES = ["preact", "@preact/signals", "@preact/signals-core", "uplot"];

/**
 * Modules of Node's own that take long to load (30 ms and 6 MB together), each for something that
 * most programs never do: it waits until a name of it is read. Imported as an ES module, each would
 * be loaded at once and every export of it read, of which some load more (`WebSocket` of node:http,
 * `webcrypto` of node:crypto).
 */
const LAZY_BUILTINS = /^(node:)?(crypto|dgram|dns\/promises|fs(\/promises)?|https?|tls|zlib)$/;

/** A module whose names are those that it has here; what one holds is asked for when it is read. */
function loadedByUse(path: string): string {
  const names = JSON.stringify(Object.keys(process.getBuiltinModule(path) as object));
  const get = `get: () => process.getBuiltinModule(${JSON.stringify(path)})[name]`;
  return `for (const name of ${names})
    Object.defineProperty(exports, name, { enumerable: true, ${get} });`;
}

const lazyBuiltins: Plugin = {
  name: "lazy-builtins",
  setup(building) {
    building.onResolve({ filter: LAZY_BUILTINS }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "lazy-builtin" } : null,
    );
    building.onLoad({ filter: /.*/, namespace: "lazy-builtin" }, ({ path }) => ({
      contents: loadedByUse(path),
      loader: "js",
    }));
  },
};

/**
 * Libraries lose the names of their variables: they are three quarters of what is packed. Ours keep
 * them, because users report them.
 */
const smallLibraries: Plugin = {
  name: "small-libraries",
  setup(building) {
    building.onLoad({ filter: /\/node_modules\/.*\.[cm]?js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const small = await esbuild.transform(text, { minify: true, target: "node22" });
      return { contents: small.code, loader: "js" };
    });
  },
};

/**
 * A client extends the objects of the grpc-js or Connect that its user has: a copy inside would not
 * be theirs.
 */
const usersOwn: Plugin = {
  name: "users-own",
  setup(building) {
    building.onResolve(
      { filter: /^@(grpc\/grpc-js|connectrpc\/connect|bufbuild\/protobuf)(\/|$)/ },
      ({ path, importer }) =>
        importer.startsWith(join(root, "src", "client")) ? { path, external: true } : null,
    );
    // Native, and for who captures alone: the user's to install.
    building.onResolve({ filter: /^koffi$/ }, ({ path }) => ({ path, external: true }));
  },
};

/**
 * grpc-js loads it only for channelz as a service and for ORCA reports out of band, which nothing
 * here asks for: with protobufjs a tenth of what is packed.
 */
const neverLoaded: Plugin = {
  name: "never-loaded",
  setup(building) {
    // The lab's lane of xDS has it in a checkout; what is packed needs a Python with grpcio.
    building.onResolve({ filter: /^@grpc\/grpc-js-xds$/ }, ({ path }) => ({
      path,
      external: true,
    }));
    building.onResolve({ filter: /^@grpc\/proto-loader$/ }, ({ path, kind }) =>
      kind === "require-call" ? { path, external: true } : null,
    );
  },
};

/** What holds for every bundle. */
const SHARED = {
  absWorkingDir: root,
  bundle: true,
  // As ES modules, libraries lose what nobody uses of them.
  mainFields: ["module", "main"],
  format: "esm",
  platform: "node",
  target: "node22",
  metafile: true,
  legalComments: "none",
  minifyWhitespace: true,
  minifySyntax: true,
  // Node prints the whole line where an error was thrown.
  lineLimit: 400,
  // Our "sideEffects": false is about what users import; the lab's programs import for effect.
  ignoreAnnotations: true,
  logLevel: "warning",
  // Libraries in CommonJS ask for Node's modules by require, which ES modules do not have.
  banner: {
    js:
      'import { createRequire as requireOf } from "node:module";\n' +
      "const require = requireOf(import.meta.url);",
  },
} as const satisfies BuildOptions;

const COMMON = {
  ...SHARED,
  plugins: [lazyBuiltins, usersOwn, neverLoaded, smallLibraries, smallSources],
} satisfies BuildOptions;

/** Builds everything into `dist`, which is emptied first. */
export async function build(dist: string): Promise<void> {
  await rm(dist, { recursive: true, force: true });
  await mkdir(join(dist, "cli"), { recursive: true });
  const metafile = await buildCode(dist);
  await writeFile(join(dist, "cli", "page.html"), await bundlePage());
  const scenarios = join(root, "src", "lab", "scenario", "built-in");
  await cp(scenarios, join(dist, "cli", "scenarios"), { recursive: true });
  await buildTypes(dist);
  await writeFile(join(dist, "LICENSES.txt"), licences(metafile));
}

/**
 * Copies what `npm pack` would pack, with a fresh `dist/`, into `directory`.
 * For tests, which must not find `src/` there.
 */
export async function stage(directory: string): Promise<void> {
  const files = ["package.json", "README.md", "LICENSE", "bin"].filter((name) =>
    existsSync(join(root, name)),
  );
  for (const name of files) {
    await cp(join(root, name), join(directory, name), { recursive: true });
  }
  await build(join(directory, "dist"));
}

/** The chunks lie beside the command, because its code finds its neighbours by their place. */
async function buildCode(dist: string): Promise<Metafile> {
  const programs = LAB_PROGRAMS.map((name) => ({
    in: `src/lab/programs/${name}.ts`,
    out: `cli/programs/${name}`,
  }));
  const subpaths = Object.entries(SUBPATHS).map(([name, source]) => ({
    in: source,
    out: `${name}/index`,
  }));
  const { metafile } = await esbuild.build({
    ...COMMON,
    entryPoints: [{ in: "src/cli/main.ts", out: "cli/main" }, ...programs, ...subpaths],
    // What is imported when it is needed is a file of its own, and what many need is one for all.
    splitting: true,
    chunkNames: "cli/chunk-[hash]",
    outdir: dist,
  });
  const built = { root, metafile, options: SHARED };
  const clients = CLIENTS.map((name) => join(dist, name, "index.js"));
  await mergeChunks(built, clients, join(dist, "cli", "shared.js"));
  return metafile;
}

/** Declarations of what the subpaths export, made by a project of its own. */
async function buildTypes(dist: string): Promise<void> {
  const base = JSON.parse(await readFile(join(root, "tsconfig.json"), "utf8"));
  const compilerOptions = {
    ...base.compilerOptions,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    // What users never call would lead to half of the house.
    stripInternal: true,
    noCheck: true, // `npm run check` has done that
    typeRoots: [join(root, "node_modules", "@types")],
    rootDir: join(root, "src"),
    outDir: join(dist, "types"),
  };
  const project = join(dist, "tsconfig.json");
  const files = Object.values(SUBPATHS).map((source) => join(root, source));
  await writeFile(project, JSON.stringify({ compilerOptions, files }));
  execFileSync(join(root, "node_modules", ".bin", "tsc"), ["-p", project], { stdio: "inherit" });
  await rm(project);
  const types = join(dist, "types");
  const entries = Object.values(SUBPATHS).map((source) =>
    join(types, relative("src", source).replace(/\.ts$/, ".d.ts")),
  );
  pruneTypes(types, entries);
}

/** The licence of every library inside the bundles. */
function licences(metafile: Metafile): string {
  const inputs = Object.keys(metafile.inputs);
  const names = new Set([
    ...inputs.map(packageOf).filter((name) => name !== null),
    ...PAGE_PACKAGES,
  ]);
  // Of the same words, however they are broken into lines, one copy behind all who have them.
  const holders = new Map<string, { heads: string[]; text: string }>();
  for (const name of [...names].sort()) {
    const { head, text } = licenceOf(name);
    const key = text.replace(/\s+/g, " ");
    const same = holders.get(key) ?? { heads: [], text };
    same.heads.push(head);
    holders.set(key, same);
  }
  const parts = [...holders.values()].map(({ heads, text }) => `${heads.join("\n")}\n\n${text}\n`);
  const head = "The bundles in this directory contain these libraries:\n\n";
  return head + parts.join(`\n${"-".repeat(80)}\n\n`);
}

/** Name, version and holders of the copyright of a library, and the words of its licence. */
function licenceOf(name: string): { head: string; text: string } {
  const directory = join(root, "node_modules", name);
  const { version, license } = JSON.parse(
    readFileSync(join(directory, "package.json"), "utf8"),
  ) as {
    version: string;
    license: string;
  };
  const file = readdirSync(directory).find((one) => /^licen[cs]e/i.test(one));
  const lines = file === undefined ? [] : readFileSync(join(directory, file), "utf8").split("\n");
  // Whose it is stands before the words that all of them have.
  const isOwn = (line: string, at: number): boolean => at < 8 && /^\s*copyright /i.test(line);
  const own = lines.filter(isOwn).map((line) => `  ${line.trim()}`);
  const text = lines.filter((line, at) => !isOwn(line, at)).join("\n");
  return {
    head: [`${name} ${version} (${license})`, ...own].join("\n"),
    text: text.replace(/\n{3,}/g, "\n\n").trim(),
  };
}

/** "node_modules/@a/b/c.js" -> "@a/b"; null for our own files. */
function packageOf(path: string): string | null {
  return /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? null;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build(join(root, "dist"));
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  console.log(`dist/ of version ${version} is built`);
}
