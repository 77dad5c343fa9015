/**
 * Finds a peer, or says by name why it is not there.
 *
 * A test that needs a real third-party program asks here. Without the program it is skipped with
 * the reason; where `FAIRLEAD_REQUIRE_PEERS=1` is set (CI) it fails instead, so that a skip never
 * hides a missing program.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { PEERS, type Peer, type VersionSource } from "./catalogue.ts";

/** A program that was found. */
export interface FoundPeer {
  /** Absolute path. */
  readonly path: string;
  /** As the program says it; "unknown" when it says nothing that can be read. */
  readonly version: string;
}

/** What is needed of a node:test context here and in `storms.ts`. */
export interface SkippableTest {
  skip(message?: string): void;
  /** Called when the test is over, however it ended. */
  after?(fn: () => Promise<unknown>): void;
}

const found = new Map<string, FoundPeer>();

/**
 * The peer of that name, or null when it is not installed. Found ones are remembered.
 *
 * @throws RangeError for a name that is not in the catalogue.
 */
export function findPeer(name: string): FoundPeer | null {
  const known = found.get(name);
  if (known !== undefined) return known;
  const peer = lookUp(name);
  const path = peer.candidates().find(isRunnable);
  if (path === undefined) return null;
  const result = { path, version: readVersion(path, peer.version) };
  found.set(name, result);
  return result;
}

/**
 * The path of a peer that a test cannot do without. When it is missing the test is skipped by name
 * with the reason, and null is returned: the caller returns at once.
 *
 * @throws Error instead of skipping when FAIRLEAD_REQUIRE_PEERS=1.
 */
export function requirePeer(t: SkippableTest, name: string): string | null {
  const peer = findPeer(name);
  if (peer !== null) return peer.path;
  const reason = `peer ${name} is missing: run ${lookUp(name).installedBy}`;
  if (process.env.FAIRLEAD_REQUIRE_PEERS === "1") throw new Error(reason);
  t.skip(reason);
  return null;
}

function lookUp(name: string): Peer {
  const peer = PEERS.find((candidate) => candidate.name === name);
  if (peer === undefined) {
    throw new RangeError(`no peer ${name}; known: ${PEERS.map((p) => p.name).join(", ")}`);
  }
  return peer;
}

function isRunnable(path: string): boolean {
  try {
    if (!statSync(path).isFile()) return false;
    // Scripts and jars are given to their interpreter, packages are imported: none is executable.
    accessSync(path, /\.(ts|py|jar|java|json|yaml)$/.test(path) ? constants.R_OK : constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function readVersion(path: string, source: VersionSource): string {
  if (source.kind === "own") return "own";
  if (source.kind === "path") return source.pattern.exec(path)?.[1] ?? "unknown";
  if (source.kind === "package") return JSON.parse(readFileSync(path, "utf8")).version as string;
  if (source.kind === "goModule") {
    const requirement = readFileSync(source.goMod, "utf8")
      .split("\n")
      .map((line) =>
        line
          .trim()
          .replace(/^require /, "")
          .split(/\s+/),
      )
      .find((words) => words[0] === source.module);
    return requirement?.[1]?.replace(/^v/, "").replace("+incompatible", "") ?? "unknown";
  }
  const run = spawnSync(path, source.args, { encoding: "utf8", timeout: 20_000 });
  return source.pattern.exec(`${run.stdout}\n${run.stderr}`)?.[1] ?? "unknown";
}
