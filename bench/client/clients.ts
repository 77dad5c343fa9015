/**
 * The clients: whether each is here, in which version, and how it is started.
 *
 * fairlead is measured as users have it, from `dist/`, or from the sources. Which file stands for
 * an entry point of the package, its manifest says.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { findPeer } from "../../test/peers/find.ts";
import { peersDir, rootDir } from "../../test/peers/paths.ts";
import type { LaneName } from "./loads.ts";
import type { Plan } from "./programs/plan.ts";

/** Which fairlead is measured; "auto" prefers what is built. */
export type ClientForm = "auto" | "dist" | "source";

/** A client that was found. */
export interface FoundClient {
  readonly name: LaneName;
  readonly version: string;
  /** Connections to one endpoint at most. */
  readonly pool: number;
  readonly entries: Plan["entries"];
  /** Program and arguments of one measurement. */
  command(plan: Plan): readonly [path: string, ...args: string[]];
}

/** A client that is not here, and why. */
export interface MissingClient {
  readonly name: LaneName;
  readonly missing: string;
}

const NODE = join(rootDir, "node_modules", ".bin", "node");

/** Sources of the entry points. */
const SOURCES: Readonly<Record<string, string>> = {
  fairlead: "src/client/plain/public.ts",
  "fairlead/grpc-js": "src/client/grpc-js/public.ts",
};

/** Looks a client up. */
export function findClient(name: LaneName, form: ClientForm): FoundClient | MissingClient {
  if (name === "grpc-js") return ofPackage(name, "@grpc/grpc-js");
  if (name === "connect-node") return ofPackage(name, "@connectrpc/connect-node");
  if (name === "nice-grpc") return niceGrpc();
  if (name === "grpc-go") return grpcGo();
  const specifier = name === "fairlead-stub" ? "fairlead/grpc-js" : "fairlead";
  return fairlead(name, specifier, form);
}

function program(name: string): (plan: Plan) => readonly [string, ...string[]] {
  const file = join(import.meta.dirname, "programs", `${name}.ts`);
  return (plan) => [NODE, file, JSON.stringify(plan)];
}

function ofPackage(name: LaneName, dependency: string): FoundClient {
  const manifest = join(rootDir, "node_modules", dependency, "package.json");
  return { name, version: versionIn(manifest), pool: 1, entries: {}, command: program(name) };
}

function niceGrpc(): FoundClient | MissingClient {
  const directory = join(peersDir, "ecosystem", "node_modules");
  const manifest = join(directory, "nice-grpc", "package.json");
  if (!existsSync(manifest)) return { name: "nice-grpc", missing: "run npm run peers" };
  const path = createRequire(manifest).resolve("nice-grpc");
  const under = versionIn(join(directory, "@grpc", "grpc-js", "package.json"));
  const version = `${versionIn(manifest)} over grpc-js ${under}`;
  const entries = { "nice-grpc": path };
  return { name: "nice-grpc", version, pool: 1, entries, command: program("nice-grpc") };
}

function grpcGo(): FoundClient | MissingClient {
  const peer = findPeer("load-client");
  if (peer === null) return { name: "grpc-go", missing: "run npm run peers" };
  const goMod = readFileSync(join(rootDir, "test", "peers", "go", "go.mod"), "utf8");
  const version = /google\.golang\.org\/grpc v(\S+)/.exec(goMod)?.[1] ?? "unknown";
  return { name: "grpc-go", version, pool: 1, entries: {}, command: goCommand(peer.path) };
}

function goCommand(path: string): FoundClient["command"] {
  return (plan) => [
    path,
    ...["-mode", "client", "-target", plan.addresses.join(",")],
    ...["-streams", String(plan.inFlight), "-metadata", plan.metadata],
    ...["-sleep-ms", String(plan.sleepMs), `-chat=${plan.shape === "chat"}`],
    ...["-warm-up", String(plan.warmUpSeconds), "-seconds", String(plan.seconds)],
  ];
}

function fairlead(
  name: LaneName,
  specifier: string,
  form: ClientForm,
): FoundClient | MissingClient {
  const entry = findEntry(specifier, form);
  if ("missing" in entry) return { name, missing: entry.missing };
  const { path, version } = entry;
  const isPool = name === "fairlead-pool-4";
  const command = program(isPool ? "fairlead-plain" : name);
  return { name, version, pool: isPool ? 4 : 1, entries: { [specifier]: path }, command };
}

/** The file that stands for an entry point of the package, or why there is none. */
export function findEntry(
  specifier: string,
  form: ClientForm,
): { readonly path: string; readonly version: string } | { readonly missing: string } {
  const manifest = JSON.parse(readFileSync(join(rootDir, "package.json"), "utf8"));
  const key = specifier.replace("fairlead", ".");
  const built: string | undefined = manifest.exports[key]?.default;
  const dist = built === undefined ? null : join(rootDir, built);
  if (form !== "source" && dist !== null && existsSync(dist)) {
    const date = statSync(dist).mtime.toISOString().slice(0, 16);
    return { path: dist, version: `${manifest.version}, dist of ${date}Z` };
  }
  if (form === "dist") {
    if (dist === null) return { missing: `package.json exports no ${specifier}` };
    return { missing: `${built} is not built: run npm run build` };
  }
  const source = join(rootDir, SOURCES[specifier] as string);
  if (!existsSync(source)) return { missing: `there is no ${SOURCES[specifier]}` };
  return { path: source, version: `${manifest.version}, sources` };
}

function versionIn(manifest: string): string {
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
