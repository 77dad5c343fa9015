/** Which clusters a route table names. Whether they exist is for others to know. */
import type { RouteTable } from "./table.ts";

/** By routes that forward, in their order; mirrors included. */
export function clusterNamesOf({ hosts }: RouteTable): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { routes } of hosts) {
    for (const { action } of routes) {
      if (action.kind !== "forward") continue;
      for (const { cluster } of action.clusters) names.add(cluster);
      for (const { cluster } of action.mirrors) names.add(cluster);
    }
  }
  return names;
}
