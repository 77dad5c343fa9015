/**
 * `fairlead control` at work: opens the objects, starts the control plane, drains.
 *
 * With `--namespace` only that namespace is read. Inside a cluster the Lease lies in the pod's own.
 */
import { hostname } from "node:os";
import {
  CONTROL_DEFAULTS,
  ControlPlane,
  type ObjectsState,
  RoutePlanning,
} from "../control/index.ts";
import { openObjects } from "../discovery/index.ts";
import { Registry } from "../telemetry/index.ts";
import { ListenError, type ServerTlsFiles } from "../transport/index.ts";
import type { ControlOptions } from "./control.ts";
import { type InjectPlan, startWebhook, warnOfPlan } from "./control-inject.ts";
import { asCommandError } from "./discovery.ts";
import { aborted, type System } from "./system.ts";
import { namingTlsFlags } from "./tls-options.ts";
import { CommandError } from "./usage.ts";
import { packageVersion } from "./version.ts";

/**
 * Serves until `stop` is aborted, then drains.
 * @returns the exit code.
 * @throws CommandError when it cannot start.
 */
export async function runControl(
  options: ControlOptions,
  { tls, inject }: { readonly tls: ServerTlsFiles | null; readonly inject: InjectPlan | null },
  system: System,
  stop: AbortSignal,
): Promise<number> {
  const { clock, rng, log } = system;
  const version = packageVersion();
  const isAuthorized = options.authorize === true;
  log.info("starting", { version, tls: tls !== null, authorize: isAuthorized });
  if (inject !== null) warnOfPlan(inject, log);
  const registry = new Registry();
  const help = "1, with the version as its label.";
  registry.gauge("fairlead_build_info", help, { version }, () => 1);
  const opened = await openObjects(
    options,
    { clock, rng, log, registry, env: process.env },
    true,
  ).catch((error: unknown) => {
    throw asCommandError(error);
  });
  try {
    const { source, writer } = opened;
    const config = {
      ...CONTROL_DEFAULTS,
      listeners: options.listen ?? [CONTROL_DEFAULTS.listen],
      admin: options.admin ?? null,
      ...{ tls, isAuthorized },
      namespaces: options.namespace === undefined ? null : [options.namespace],
      leaseNamespace: source.defaultNamespace,
      replica: hostname(),
      drainTimeoutMs: options.drainTimeout ?? CONTROL_DEFAULTS.drainTimeoutMs,
    };
    const planning = new RoutePlanning();
    const judge = (state: ObjectsState) => planning.judge(state);
    const parts = { source, writer, planner: planning, judge };
    const plane = namingTlsFlags(
      () => new ControlPlane(config, { clock, rng, log, registry, ...parts }),
    );
    const { defaultNamespace } = source;
    const webhook =
      inject && (await startWebhook(inject, defaultNamespace, writer!, registry, system));
    try {
      await listen(plane, system);
      await aborted(stop);
      await plane.drain(String(stop.reason));
    } finally {
      webhook?.close();
    }
    return 0;
  } finally {
    opened.close();
  }
}

async function listen(plane: ControlPlane, { log }: System): Promise<void> {
  try {
    const { listen: addresses, admin } = await plane.start();
    for (const address of addresses) log.info("listening", { address });
    if (admin !== null) log.info("admin", { address: admin });
  } catch (error) {
    throw error instanceof ListenError ? new CommandError(error.message) : error;
  }
}
