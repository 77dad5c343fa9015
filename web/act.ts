/**
 * What the page asks of the lab, and how the same is asked from a shell.
 *
 * The lab does it, and says so by its samples; what it refuses comes back as a sentence.
 */
import { signal } from "@preact/signals";
import { calm } from "./feed.ts";

/** Why the latest thing that was asked for is not done, or "". */
export const refusal = signal("");
/** The action whose command is shown: the one last done, pointed at or focused. */
export const shown = signal("kill");

/** Asks for an action, as `src/lab/actions.ts` reads it. */
export async function act(action: string): Promise<void> {
  shown.value = action;
  try {
    const answer = await fetch(path(action), { method: "POST" });
    refusal.value = answer.ok ? "" : sentence(await answer.text());
  } catch {
    refusal.value = "the lab cannot be reached";
  }
}

/** Asks the running lab. */
export function curlCommand(action: string): string {
  return `curl -X POST '${location.origin}${path(action)}'`;
}

/**
 * Runs a new lab that does by itself what was done to this one; while nothing was, one that does
 * this after three seconds.
 */
export function labCommand(action: string): string {
  const command = calm.value?.newLab ?? "fairlead lab";
  return / --events /.test(command) ? command : `${command} --events 6s:${action}`;
}

function path(action: string): string {
  return `/act?event=${encodeURIComponent(action).replace("%3D", "=")}`;
}

/** "fairlead lab: POST /act?event=: no pod is ready" to its last part. */
function sentence(text: string): string {
  return text.trim().replace(/^fairlead lab: (POST \S+: )?/, "");
}
