/**
 * Asks the admin endpoint of a proxy that the lab has started, within limits of time and size: one
 * that hangs, or never ends, holds up nobody.
 */
import type { Clock } from "../../base/index.ts";

/** 100 pods are some 100 kB. */
const ADMIN_BYTES_MAX = 4_194_304;

/**
 * GET of a path (`/metrics`). Rejects with an `Error` that says in a few words why there is no
 * text: the system's reason, a status other than 2xx, "no answer in time", "an endless answer".
 *
 * @param admin ip:port.
 */
export async function adminText(
  admin: string,
  path: string,
  clock: Clock,
  timeoutMs: number,
): Promise<string> {
  const end = new AbortController();
  const timer = clock.setTimer(timeoutMs, () => end.abort());
  try {
    const response = await fetch(`http://${admin}${path}`, { signal: end.signal });
    let text = "";
    const decoder = new TextDecoder();
    for await (const part of response.body ?? []) {
      text += decoder.decode(part as Uint8Array, { stream: true });
      if (text.length > ADMIN_BYTES_MAX) throw new Error("an endless answer");
    }
    if (!response.ok) throw new Error(`status ${response.status}`);
    return text;
  } catch (error) {
    throw end.signal.aborted ? new Error("no answer in time") : error;
  } finally {
    timer.cancel();
  }
}
