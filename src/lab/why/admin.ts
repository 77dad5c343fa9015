/**
 * Asks the admin endpoint of a proxy for JSON, within limits of time and size.
 */
import type { Clock } from "../../base/index.ts";
import type { ClusterView } from "../../cluster/index.ts";
import { LabError } from "../error.ts";
import { ANSWER_TIMEOUT_MS } from "./asker.ts";
import type { Chooses } from "./chooser.ts";
import type { View } from "./view-rows.ts";

/** 100 pods are some 100 kB. */
const ADMIN_BYTES_MAX = 4_194_304;

/** GET of a path. Rejects with `LabError` when there is no answer, or none that is JSON. */
export async function askAdmin(
  name: string,
  admin: string,
  path: string,
  clock: Clock,
): Promise<unknown> {
  const end = new AbortController();
  const timer = clock.setTimer(ANSWER_TIMEOUT_MS, () => end.abort());
  try {
    const response = await fetch(`http://${admin}${path}`, { signal: end.signal });
    let text = "";
    const decoder = new TextDecoder();
    for await (const part of response.body ?? []) {
      text += decoder.decode(part as Uint8Array, { stream: true });
      if (text.length > ADMIN_BYTES_MAX) throw new Error("an endless answer");
    }
    if (!response.ok) throw new Error(`status ${response.status}`);
    return JSON.parse(text);
  } catch (error) {
    const how = end.signal.aborted ? "no answer in time" : (error as Error).message;
    throw new LabError(`${name} at ${admin} does not tell why: ${how}`);
  } finally {
    timer.cancel();
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
