/**
 * The scenarios that come with fairlead: YAML files in `built-in/`, beside this file in a checkout
 * and beside the code in a built package.
 */
import { readFile } from "node:fs/promises";

/** In the order in which they are listed and run: from what is wrong to what cures it. */
export const BUILT_IN_NAMES = [
  "clusterip",
  "luck-200-300",
  "http1",
  "headless",
  "scale-up-gap",
  "envoy-tutorial",
  "nginx",
  "nesting",
  "sidecar",
  "slow-pod",
  "pool",
  "rollout",
  "proxyless",
] as const;

const here = import.meta.url;
const FOLDER = here.endsWith(".ts") ? "./built-in/" : "./scenarios/";

/** The text of one; null when there is none of that name. */
export async function builtInText(name: string): Promise<string | null> {
  if (!BUILT_IN_NAMES.some((each) => each === name)) return null;
  return readFile(new URL(`${FOLDER}${name}.yaml`, here), "utf8");
}
