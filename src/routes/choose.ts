/** What chance decides of a route: which of its clusters a call goes to, who gets a copy. */
import type { Rng } from "../base/index.ts";
import type { ForwardAction, WeightedCluster } from "./table.ts";

const MILLION = 1_000_000;

/** One of the clusters, each as often as its weight says. Asks for no chance when there is one. */
export function chooseCluster({ clusters }: ForwardAction, rng: Rng): WeightedCluster {
  const [first] = clusters;
  if (clusters.length === 1) return first;
  let total = 0;
  for (const { weight } of clusters) total += weight;
  let left = rng.int(total);
  for (const cluster of clusters) {
    left -= cluster.weight;
    if (left < 0) return cluster;
  }
  return first;
}

/** Whether a call is among a share of all. @param perMillion of a mirror. */
export function isSampled(perMillion: number, rng: Rng): boolean {
  return perMillion >= MILLION || (perMillion > 0 && rng.int(MILLION) < perMillion);
}
