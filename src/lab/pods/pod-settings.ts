/**
 * How the pods of a lab serve where that is not as usual, told to their processes by a variable of
 * their environment.
 */

/** What can be set; what is absent is as usual. */
export interface PodSettings {
  /** What a call takes at its usual pace, in ms. */
  readonly callMs?: number;
  /** SETTINGS_MAX_CONCURRENT_STREAMS of the server (RFC 9113 §6.5.2): open calls a connection. */
  readonly maxConcurrentStreams?: number;
}

const VARIABLE = "FAIRLEAD_LAB_POD";

/** For the environment of a pod's process. */
export function podEnvironment(settings: PodSettings): NodeJS.ProcessEnv {
  return { [VARIABLE]: JSON.stringify(settings) };
}

/** In a pod's process: what it was told. */
export function ownPodSettings(): PodSettings {
  return JSON.parse(process.env[VARIABLE] ?? "{}");
}
