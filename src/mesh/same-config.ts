/** Whether two configurations are the same: sources keep the objects of what did not change. */
import type { MeshConfig } from "./config.ts";

/** Whether all listeners and clusters are the same objects. */
export function isSameConfig(a: MeshConfig, b: MeshConfig): boolean {
  if (a.listeners.length !== b.listeners.length || a.clusters.size !== b.clusters.size)
    return false;
  const isListener = a.listeners.every((each, i) => each === b.listeners[i]);
  return isListener && [...a.clusters].every(([name, spec]) => b.clusters.get(name) === spec);
}
