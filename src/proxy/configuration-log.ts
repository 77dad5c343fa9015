/** What is logged of configurations of a proxy of many targets: one that came, one that did not. */
import type { Logger } from "../base/index.ts";
import type { MeshConfig } from "../mesh/index.ts";

/** One is in force. @param serves for people. */
export function logConfiguration(log: Logger, serves: string, config: MeshConfig): void {
  const counts = { listeners: config.listeners.length, clusters: config.clusters.size };
  if (counts.listeners > 0) log.info("configuration", { serves, ...counts });
  // Such as that of a Gateway that does not exist: nobody can connect.
  else log.warn("configuration without a listener: nothing is served", { serves, ...counts });
}

/** One is missing or wrong. @param hadOne whether another is in force. */
export function logNoConfiguration(
  log: Logger,
  serves: string,
  reason: string,
  hadOne: boolean,
): void {
  const what = hadOne ? "configuration: the last good one stays" : "no configuration yet";
  log.warn(what, { serves, reason });
}
