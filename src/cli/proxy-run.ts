/**
 * `fairlead proxy` at work: composes resolver, relay or workers, and admin; listens; drains.
 *
 * Everything is bound before anything is served: when one address cannot be had, nothing runs.
 */
import { createResolver, type Discovery } from "../discovery/index.ts";
import {
  AdminServer,
  type AdminSource,
  configOfChoice,
  createProxy,
  forkWorker,
  type ProxyConfig,
  type RelayGroup,
  singleRelay,
  WorkerError,
  WorkerPool,
} from "../proxy/index.ts";
import { Registry } from "../telemetry/index.ts";
import { ClientTls, ListenError, ServerTls } from "../transport/index.ts";
import { openFor } from "./discovery.ts";
import type { KubernetesOptions } from "./kubernetes-options.ts";
import { aborted, type System } from "./system.ts";
import { namedFor, namingTlsFlags } from "./tls-options.ts";
import { CommandError } from "./usage.ts";
import { packageVersion } from "./version.ts";
import { workerEnvironment } from "./worker-settings.ts";

/**
 * Relays until `stop` is aborted or the admin endpoint says quit, then drains.
 * @returns the exit code.
 * @throws CommandError when it cannot start.
 */
export async function runProxy(
  config: ProxyConfig,
  kubernetes: KubernetesOptions,
  system: System,
  stop: AbortSignal,
): Promise<number> {
  system.log.info("starting", startFields(config));
  const registry = newRegistry();
  const discovery = await openFor([config.target], kubernetes, system, registry);
  try {
    const upstreamTls = namedFor(config.upstreamTls, config.target, discovery.defaultNamespace);
    const named = { ...config, upstreamTls };
    return await relay(createGroup(named, discovery, registry, system), named, system, stop);
  } finally {
    discovery.close();
  }
}

async function relay(
  group: RelayGroup,
  config: ProxyConfig,
  { log }: System,
  stop: AbortSignal,
): Promise<number> {
  const quit = new AbortController();
  const admin = new AdminServer(
    adminSource(group, () => quit.abort("POST /quitquitquit")),
    log,
  );
  try {
    const adminAddress = config.admin === null ? null : await listenAdmin(admin, config.admin);
    const addresses = await group.listen();
    for (const address of addresses) log.info("listening", { address });
    if (adminAddress !== null) log.info("admin", { address: adminAddress });
  } catch (error) {
    admin.close();
    await group.close();
    const isExpected = error instanceof ListenError || error instanceof WorkerError;
    throw isExpected ? new CommandError(error.message) : error;
  }
  const end = AbortSignal.any([stop, quit.signal]);
  await aborted(end);
  await group.drain(String(end.reason));
  admin.close();
  await group.close();
  return 0;
}

/** What an operator would look for first. */
function startFields(config: ProxyConfig): Record<string, unknown> {
  return {
    version: packageVersion(),
    target: config.target,
    policy: configOfChoice(config.policy).balancing.policy.name,
    tls: config.tls !== null,
    clientCertificates: config.tls !== null && config.tls.clientCaFile !== null,
    toTls: config.upstreamTls !== null,
    workers: config.workers,
  };
}

/** For figures of this process; those of workers are added to it. */
function newRegistry(): Registry {
  const registry = new Registry();
  const labels = { version: packageVersion() };
  const help = "1, with the version as its label.";
  registry.gauge("fairlead_build_info", help, labels, () => 1);
  return registry;
}

function createGroup(
  config: ProxyConfig,
  discovery: Discovery,
  registry: Registry,
  system: System,
): RelayGroup {
  const { clock, rng, log, logOptions } = system;
  const resolver = createResolver(config.target, discovery.deps);
  if (config.workers === 1) {
    const deps = { clock, rng, log, resolver, registry };
    return singleRelay(namingTlsFlags(() => createProxy(config, deps)));
  }
  namingTlsFlags(() => checkTlsFiles(config, system));
  const fork = (worker: number) => forkWorker(workerEnvironment({ worker, logOptions }));
  return new WorkerPool(config, { clock, rng, log, resolver, registry, fork });
}

function adminSource(group: RelayGroup, quit: () => void): AdminSource {
  return {
    clusters: () => group.clusters(),
    metrics: () => group.metrics(),
    readiness: () => group.readiness(),
    drain: () => void group.drain("POST /drain_listeners"),
    quit,
  };
}

async function listenAdmin(
  admin: AdminServer,
  address: NonNullable<ProxyConfig["admin"]>,
): Promise<string> {
  try {
    return await admin.listen(address);
  } catch (error) {
    const { message } = new ListenError(address, error as NodeJS.ErrnoException);
    throw new CommandError(`--admin: ${message}`);
  }
}

/** Before there are workers, each of which would tell of it. */
function checkTlsFiles({ tls, upstreamTls }: ProxyConfig, { clock, log }: System): void {
  if (tls !== null) ServerTls.load(tls, { clock, log }).close();
  if (upstreamTls !== null) ClientTls.load(upstreamTls, { clock, log }).close();
}
