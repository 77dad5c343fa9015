/**
 * What the client weighs beside its calls: its import, many channels to one target, its package.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { rootDir } from "../../test/peers/paths.ts";
import { runProcess } from "../../test/peers/processes.ts";
import { startUpstreams } from "../upstreams.ts";
import { type ClientForm, findEntry } from "./clients.ts";
import type { ChannelsPlan, ChannelsReport } from "./programs/channels.ts";

/** Something that was measured as often as there are values. */
export interface Figure {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly values: readonly number[];
}

/** Figures, or why they cannot be had. */
export type Figures = readonly Figure[] | { readonly missing: string };

/** Every measurement of figures: as in `--only`, what it is, and how it is made. */
export const FIGURE_RUNS: Readonly<
  Record<
    string,
    {
      readonly title: string;
      readonly measure: (form: ClientForm, processes: number) => Promise<Figures>;
    }
  >
> = {
  import: {
    title: "import of the built fairlead/grpc-js over grpc-js itself",
    measure: measureImport,
  },
  channels: { title: "100 channels to one target of 100 endpoints", measure: measureChannels },
  package: { title: "the package as npm packs it", measure: measurePackage },
};

const NODE = join(rootDir, "node_modules", ".bin", "node");

/** Imports what it is given, one after another; says what the last of them took. */
const IMPORTER = `let ms = 0;
for (const url of process.argv.slice(1)) {
  const began = performance.now();
  await import(url);
  ms = performance.now() - began;
}
console.log(JSON.stringify({ ms, rssBytes: process.memoryUsage.rss() }));`;

/**
 * Fresh processes in pairs. The time is that of our import in a process that has grpc-js already;
 * the memory is what differs between a process with both and one with grpc-js alone. Only what is
 * built is measured: sources are compiled as they are imported.
 */
async function measureImport(_form: ClientForm, processes: number): Promise<Figures> {
  const entry = findEntry("fairlead/grpc-js", "dist");
  if ("missing" in entry) return entry;
  const own = pathToFileURL(entry.path).href;
  const stock = pathToFileURL(createRequire(import.meta.url).resolve("@grpc/grpc-js")).href;
  const ms: number[] = [];
  const mb: number[] = [];
  for (let i = 0; i < processes; i += 1) {
    // Which comes first alternates: what the machine does meanwhile hits both alike.
    const first = await importAll(i % 2 === 0 ? [stock] : [stock, own]);
    const second = await importAll(i % 2 === 0 ? [stock, own] : [stock]);
    const [without, both] = i % 2 === 0 ? [first, second] : [second, first];
    ms.push(both.ms);
    mb.push((both.rssBytes - without.rssBytes) / 1e6);
  }
  const title = "import of the built fairlead/grpc-js over grpc-js itself";
  return [
    { name: "import-ms", title: `${title}: time`, unit: "ms", values: ms },
    { name: "import-rss", title: `${title}: RSS`, unit: "MB", values: mb },
  ];
}

async function importAll(urls: readonly string[]): Promise<{ ms: number; rssBytes: number }> {
  const run = await runProcess(NODE, ["--input-type=module", "-e", IMPORTER, ...urls]);
  if (run.code !== 0) throw new Error(`an import ended with ${run.code}: ${run.stderr}`);
  return JSON.parse(run.stdout) as { ms: number; rssBytes: number };
}

const ENDPOINTS = 100;
const CHANNELS = 100;

/** RSS of a process with many channels, less that of one with one; grpc-js beside. */
async function measureChannels(form: ClientForm, processes: number): Promise<Figures> {
  const entry = findEntry("fairlead", form);
  const behind = { kind: "echo", endpoints: ENDPOINTS, isOneProcess: true } as const;
  const upstreams = await startUpstreams(behind, "");
  const { addresses } = upstreams;
  const figures: Figure[] = [];
  const title = `${CHANNELS} channels to one target of ${ENDPOINTS} endpoints over one channel`;
  try {
    for (const client of ["fairlead", "grpc-js"] as const) {
      if (client === "fairlead" && "missing" in entry) continue;
      const entries = "path" in entry ? { fairlead: entry.path } : {};
      const values: number[] = [];
      // A process holds its memory still: a few of them are enough.
      for (let i = 0; i < Math.ceil(processes / 4); i += 1) {
        const many = await openChannels({ client, addresses, count: CHANNELS, entries });
        const one = await openChannels({ client, addresses, count: 1, entries });
        values.push((many.rssBytes - one.rssBytes) / 1e6);
      }
      const name = client === "fairlead" ? "channels-rss" : "channels-rss-grpc-js";
      figures.push({ name, title: `${client}: ${title}: RSS`, unit: "MB", values });
    }
  } finally {
    await upstreams.stop();
  }
  return figures;
}

async function openChannels(plan: ChannelsPlan): Promise<ChannelsReport> {
  const file = join(import.meta.dirname, "programs", "channels.ts");
  const run = await runProcess(NODE, [file, JSON.stringify(plan)]);
  if (run.code !== 0) throw new Error(`channels ended with ${run.code}: ${run.stderr}`);
  return JSON.parse(run.stdout) as ChannelsReport;
}

/** What `npm pack` would make of the tree as it is: the build is not run again. */
async function measurePackage(): Promise<Figures> {
  const entry = findEntry("fairlead/grpc-js", "dist");
  if ("missing" in entry) return entry;
  const packed = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: rootDir,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const manifest = JSON.parse(readFileSync(join(rootDir, "package.json"), "utf8"));
  const dependencies = Object.keys(manifest.dependencies ?? {}).length;
  return [
    {
      name: "package-size",
      title: "the package, packed",
      unit: "kB",
      values: [sizeIn(packed) / 1_000],
    },
    {
      name: "package-dependencies",
      title: "entries of its `dependencies`",
      unit: "",
      values: [dependencies],
    },
  ];
}

/** The size in bytes that npm reports: a list of packages, or (npm 12) an object of them. */
function sizeIn(json: string): number {
  const [first] = Object.values(JSON.parse(json) as Record<string, { size: number }>);
  if (first === undefined) throw new Error(`npm pack reported no package: ${json}`);
  return first.size;
}
