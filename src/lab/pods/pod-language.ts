/**
 * The languages that pods can be written in, and whether this machine has what each needs.
 *
 * Node's are the lab's own (`programs/pod.ts`). Python's is a text here, for a Python with grpcio.
 * Go's is built by `npm run peers` of a checkout (`test/peers/go/lab-pod`), or is on the PATH.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { peersDirectory } from "../places.ts";
import { isRunnable, pathDirectories } from "../system/installed.ts";
import { PYTHON_POD } from "./python-pod.ts";

/** Their words on the command line. */
export const POD_LANGUAGES = ["node", "go", "python"] as const;
/** One of them. */
export type PodLanguage = (typeof POD_LANGUAGES)[number];

/** A program that is one pod: its arguments but for the pod's name, which comes last. */
type PodProgram = readonly [string, ...string[]];

const GO_POD = "fairlead-lab-pod";
/** Importing grpc takes a second on a busy machine. */
const PYTHON_TIMEOUT_MS = 20_000;

/** The program, null for Node's, or in a sentence why there is none. */
export function podProgram(language: PodLanguage): PodProgram | null | { readonly why: string } {
  if (language === "node") return null;
  return language === "go" ? goProgram() : pythonProgram();
}

function goProgram(): PodProgram | { readonly why: string } {
  const path = [...pathDirectories(), ...inPeers("bin")]
    .map((directory) => join(directory, GO_POD))
    .find(isRunnable);
  if (path !== undefined) return [path];
  return {
    why: `pods in Go: ${GO_POD} is not on the PATH (npm run peers in a checkout builds it)`,
  };
}

function pythonProgram(): PodProgram | { readonly why: string } {
  const named = process.env.FAIRLEAD_LAB_PYTHON;
  const candidates = named ? [named] : ["python3", ...inPeers("venv", "bin", "python3")];
  const python = candidates.find(hasGrpc);
  if (python !== undefined) return [python, "-u", "-c", PYTHON_POD];
  return { why: `pods in Python: ${candidates[0]} has no grpcio (pip install grpcio)` };
}

function hasGrpc(python: string): boolean {
  const options = { stdio: "ignore", timeout: PYTHON_TIMEOUT_MS } as const;
  return spawnSync(python, ["-c", "import grpc.aio"], options).status === 0;
}

function inPeers(...parts: readonly string[]): readonly string[] {
  const peers = peersDirectory();
  return peers === null ? [] : [join(peers, ...parts)];
}
