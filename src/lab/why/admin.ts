/**
 * Asks the admin endpoint of a proxy for JSON.
 */
import type { Clock } from "../../base/index.ts";
import type { ClusterView } from "../../cluster/index.ts";
import { LabError } from "../error.ts";
import { adminText } from "../system/admin-text.ts";
import { ANSWER_TIMEOUT_MS } from "./asker.ts";
import type { Chooses } from "./chooser.ts";
import type { View } from "./view-rows.ts";

/** GET of a path. Rejects with `LabError` when there is no answer, or none that is JSON. */
export async function askAdmin(
  name: string,
  admin: string,
  path: string,
  clock: Clock,
): Promise<unknown> {
  try {
    return JSON.parse(await adminText(admin, path, clock, ANSWER_TIMEOUT_MS));
  } catch (error) {
    throw new LabError(`${name} at ${admin} does not tell why: ${(error as Error).message}`);
  }
}

/** What the proxies of fairlead say of their pods. Rejects as `askAdmin`. */
export async function askProxies(all: readonly Chooses[], clock: Clock): Promise<readonly View[]> {
  const views = await Promise.all(
    all.map(async ({ name, admin }) => {
      const answer = await askAdmin(name, admin, "/why?format=json", clock);
      // The lab started it itself: it is ours, and of this version.
      const { clusters } = answer as { readonly clusters: readonly ClusterView[] };
      const via = all.length > 1 ? name : null;
      return clusters.map((view) => ({ via, view }));
    }),
  );
  return views.flat();
}
