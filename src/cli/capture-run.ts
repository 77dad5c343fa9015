/**
 * `fairlead proxy --mode sidecar|node` at work: Services and their endpoints from Kubernetes
 * objects, captured connections, and the same admin endpoint as any proxy.
 */
import { createResolver, type Discovery } from "../discovery/index.ts";
import { type MeshSource, ServiceMeshSource } from "../mesh/index.ts";
import { CaptureError, CaptureRelay, loadSocketOptions } from "../proxy/index.ts";
import type { CapturePlan } from "./capture-options.ts";
import { openFor } from "./discovery.ts";
import type { KubernetesOptions } from "./kubernetes-options.ts";
import type { MeshOrigin } from "./mesh-options.ts";
import { openSource, xdsOf } from "./mesh-run.ts";
import { newRegistry, relay } from "./proxy-run.ts";
import type { System } from "./system.ts";
import { CommandError } from "./usage.ts";
import { packageVersion } from "./version.ts";

/**
 * Relays until `stop` is aborted or the admin endpoint says quit, then drains.
 * @returns the exit code.
 * @throws CommandError when it cannot start, as without `koffi`.
 */
export async function runCapture(
  { capture, config, origin }: CapturePlan,
  kubernetes: KubernetesOptions,
  system: System,
  stop: AbortSignal,
): Promise<number> {
  const { clock, rng, log } = system;
  log.info("starting", { version: packageVersion(), ...capture, serves: config.serves });
  const socketOptions = await loadSocketOptions().catch((error: Error) => {
    throw error instanceof CaptureError ? new CommandError(error.message) : error;
  });
  const registry = newRegistry();
  const discovery = await openFor([], kubernetes, system, registry, origin === null);
  try {
    const mesh = await meshOf(origin, kubernetes, discovery, system);
    const group = new CaptureRelay(config, capture, {
      ...{ clock, rng, log, registry, mesh, socketOptions },
    });
    const more = { capture: () => group.capture(), xds: xdsOf(mesh, config.serves) };
    return await relay({ group, nesting: null }, config, system, stop, more);
  } catch (error) {
    throw error instanceof CaptureError ? new CommandError(error.message) : error;
  } finally {
    discovery.close();
  }
}

async function meshOf(
  origin: MeshOrigin | null,
  kubernetes: KubernetesOptions,
  discovery: Discovery,
  system: System,
): Promise<MeshSource> {
  if (origin !== null) return await openSource(origin, kubernetes, discovery, system);
  const { deps } = discovery;
  return new ServiceMeshSource(deps.objects!(), (target) => createResolver(target, deps));
}
