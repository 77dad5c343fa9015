/**
 * `fairlead proxy --mode sidecar|node` at work: Services and their endpoints from Kubernetes
 * objects, captured connections, and the same admin endpoint as any proxy.
 */
import { createResolver, openDiscovery } from "../discovery/index.ts";
import { ServiceMeshSource } from "../mesh/index.ts";
import {
  type CaptureConfig,
  CaptureError,
  CaptureRelay,
  loadSocketOptions,
  type ProxyConfig,
} from "../proxy/index.ts";
import type { Registry } from "../telemetry/index.ts";
import { asCommandError } from "./discovery.ts";
import type { KubernetesOptions } from "./kubernetes-options.ts";
import { newRegistry, relay } from "./proxy-run.ts";
import type { System } from "./system.ts";
import { CommandError } from "./usage.ts";
import { packageVersion } from "./version.ts";

/** A target that needs Kubernetes objects: which one it is does not matter. */
const ANY_SERVICE = "kubernetes:///any.any:1";

/**
 * Relays until `stop` is aborted or the admin endpoint says quit, then drains.
 * @returns the exit code.
 * @throws CommandError when it cannot start, as without `koffi`.
 */
export async function runCapture(
  capture: CaptureConfig,
  config: ProxyConfig,
  kubernetes: KubernetesOptions,
  system: System,
  stop: AbortSignal,
): Promise<number> {
  const { clock, rng, log } = system;
  log.info("starting", { version: packageVersion(), ...capture });
  const socketOptions = await loadSocketOptions().catch((error: Error) => {
    throw error instanceof CaptureError ? new CommandError(error.message) : error;
  });
  const registry: Registry = newRegistry();
  const discovery = await openDiscovery([ANY_SERVICE], kubernetes, {
    ...{ clock, rng, log, registry, env: process.env },
  }).catch((error) => {
    throw asCommandError(error);
  });
  try {
    const { deps } = discovery;
    const mesh = new ServiceMeshSource(deps.objects!(), (target) => createResolver(target, deps));
    const group = new CaptureRelay(config, capture, {
      ...{ clock, rng, log, registry, mesh, socketOptions },
    });
    return await relay({ group, nesting: null }, config, system, stop, () => group.capture());
  } catch (error) {
    throw error instanceof CaptureError ? new CommandError(error.message) : error;
  } finally {
    discovery.close();
  }
}
