/**
 * The file by which `fairlead` finds the lab's API server, as it would find a cluster's.
 */
import { TemporaryDirectory } from "./temporary-directory.ts";

/** A kubeconfig file. */
export interface KubeconfigFile {
  readonly path: string;
  /** Removes it and its directory, at once. Resolves when nothing of it runs any more. */
  remove(): Promise<void>;
}

/** Writes one. Throws `LabError` when there is no place for it. */
export function writeKubeconfig(server: string): KubeconfigFile {
  const name = "lab";
  const config = {
    ...{ apiVersion: "v1", kind: "Config", "current-context": name },
    clusters: [{ name, cluster: { server } }],
    users: [{ name, user: {} }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  };
  const directory = new TemporaryDirectory();
  const remove = (): Promise<void> => directory.remove();
  try {
    // JSON is YAML.
    return { path: directory.write("kubeconfig", JSON.stringify(config)), remove };
  } catch (error) {
    void remove();
    throw error;
  }
}
