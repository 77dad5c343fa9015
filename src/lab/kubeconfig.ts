/**
 * The file by which `fairlead` finds the lab's API server, as it would find a cluster's.
 *
 * In a directory of its own under the system's temporary one; it holds no secret.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A kubeconfig file. */
export interface KubeconfigFile {
  readonly path: string;
  /** Removes it and its directory. */
  remove(): void;
}

/** Writes one. Throws the system's error when there is no place for it. */
export function writeKubeconfig(server: string): KubeconfigFile {
  const directory = mkdtempSync(join(tmpdir(), "fairlead-lab-"));
  const path = join(directory, "kubeconfig");
  const name = "lab";
  const config = {
    ...{ apiVersion: "v1", kind: "Config", "current-context": name },
    clusters: [{ name, cluster: { server } }],
    users: [{ name, user: {} }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  };
  // JSON is YAML.
  writeFileSync(path, JSON.stringify(config));
  // Also when the process ends without a goodbye, as by a second Ctrl-C.
  const remove = (): void => {
    process.off("exit", remove);
    rmSync(directory, { recursive: true, force: true });
  };
  process.once("exit", remove);
  return { path, remove };
}
