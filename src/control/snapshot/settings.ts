/**
 * What a Service's annotation `fairlead.dev/service-config` says, judged as a whole.
 *
 * A config that is wrong leaves the last good one of this replica in force, as everywhere: a typo
 * must not change how a Service is called. Only there may two replicas differ, until it is mended.
 */
import { type ServiceConfig, tryServiceConfig } from "../../cluster/index.ts";
import type { ServiceConfigResult } from "../../discovery/index.ts";

/** See the head of this file. */
export interface Settings {
  readonly config: ServiceConfig;
  /** What was written, to tell it from defaults; empty when nothing was. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Why the annotation is not in force; null when it is, or there is none. */
  readonly problem: string | null;
}

/** What holds without an annotation. */
export const DEFAULT_SETTINGS: Settings = Object.freeze({
  config: tryServiceConfig({ json: {} }) as ServiceConfig,
  json: Object.freeze({}),
  problem: null,
});

/** @param before what was in force until now; null at the beginning. */
export function settingsOf(result: ServiceConfigResult | null, before: Settings | null): Settings {
  if (result === null) return DEFAULT_SETTINGS;
  const config = tryServiceConfig(result);
  if (typeof config === "string") {
    return { ...(before ?? DEFAULT_SETTINGS), problem: `service config not in force: ${config}` };
  }
  const { json } = result as { readonly json: Readonly<Record<string, unknown>> };
  return { config, json, problem: null };
}

/** Whether a field stands in the object `"fairlead"` of the config. */
export function saysExtension(settings: Settings, name: string): boolean {
  const { fairlead } = settings.json;
  return typeof fairlead === "object" && fairlead !== null && name in fairlead;
}
