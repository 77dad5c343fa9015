/**
 * Discovery of a verb: `openDiscovery` with the verb's flags and the process's environment, and its
 * mistakes in the words of the command line.
 */
import { type Discovery, DiscoveryError, OptionsError, openDiscovery } from "../discovery/index.ts";
import type { Registry } from "../telemetry/index.ts";
import type { KubernetesOptions } from "./kubernetes-options.ts";
import type { System } from "./system.ts";
import { CommandError, UsageError } from "./usage.ts";

/**
 * Prepares discovery for `targets`.
 *
 * @param registry where its counters go.
 * @param needsObjects whether Kubernetes objects are needed whatever the targets are.
 * @throws UsageError for flags that exclude each other, CommandError when there is no way to the
 *   objects that a target needs.
 */
export async function openFor(
  targets: readonly string[],
  options: KubernetesOptions,
  { clock, rng, log }: System,
  registry?: Registry,
  needsObjects = false,
): Promise<Discovery> {
  try {
    const { env } = process;
    const deps = { clock, rng, log, registry, env, needsObjects };
    return await openDiscovery(targets, options, deps);
  } catch (error) {
    throw asCommandError(error);
  }
}

/** What a user can mend is told as one line; what is a bug of ours stays what it is. */
export function asCommandError(error: unknown): unknown {
  if (error instanceof OptionsError) {
    const flags = error.options.map((option) => `--${option}`);
    return new UsageError(`${flags.join(" and ")} exclude each other`);
  }
  return error instanceof DiscoveryError ? new CommandError(error.message) : error;
}
