/**
 * `fairlead proxy` at work: composes resolver, relay or workers, and admin; listens; drains.
 *
 * Everything is bound before anything is served: when one address cannot be had, nothing runs.
 */
import { createResolver, type Discovery } from "../discovery/index.ts";
import {
  type AdminGrpc,
  AdminServer,
  type AdminSource,
  type ConnectionsView,
  chosenConfig,
  configOfChoice,
  createProxy,
  type FrontConfig,
  forkWorker,
  Nesting,
  type ProxyConfig,
  type RelayGroup,
  singleRelay,
  startAdminGrpc,
  targetFeed,
  WorkerError,
  WorkerPool,
  withoutPeers,
} from "../proxy/index.ts";
import { Registry } from "../telemetry/index.ts";
import { ClientTls, ListenError, ServerTls } from "../transport/index.ts";
import { openFor } from "./discovery.ts";
import type { KubernetesOptions } from "./kubernetes-options.ts";
import { namedForPeers, namingPeerTlsFlags } from "./peer-options.ts";
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
  const targets = config.peers === null ? [config.target] : [config.target, config.peers.target];
  const discovery = await openFor(targets, kubernetes, system, registry);
  try {
    const { defaultNamespace } = discovery;
    const upstreamTls = namedFor(config.upstreamTls, config.target, defaultNamespace);
    const peers = config.peers && namedForPeers(config.peers, defaultNamespace);
    const named = { ...config, upstreamTls, peers };
    const group = createGroup(named, discovery, registry, system);
    const parts = await withNesting(group, named, discovery, registry, system);
    return await relay(parts, named, system, stop);
  } finally {
    discovery.close();
  }
}

/** What relays, and what evens it out with other replicas; null: nothing does. */
export interface Parts {
  readonly group: RelayGroup;
  readonly nesting: Nesting | null;
}

/**
 * Binds everything, relays until the end is asked for, drains.
 * @param more what not every proxy has.
 */
export async function relay(
  parts: Parts,
  config: FrontConfig,
  system: System,
  stop: AbortSignal,
  more: Pick<AdminSource, "capture" | "xds"> = {},
): Promise<number> {
  const { log } = system;
  const { group, nesting } = parts;
  const quit = new AbortController();
  const source = {
    ...adminSource(parts, () => quit.abort("POST /quitquitquit")),
    ...more,
  };
  const admin = new AdminServer(source, log);
  let grpc: AdminGrpc | null = null;
  try {
    const adminAddress = config.admin && (await bind("--admin", () => admin.listen(config.admin!)));
    const peerAddress = nesting && (await bind("--peer-listen", () => nesting.listen()));
    const addresses = await group.listen();
    grpc =
      config.adminGrpc &&
      (await bind("--admin-grpc", () => startAdminGrpc(config.adminGrpc!, source, system)));
    for (const address of addresses) log.info("listening", { address });
    if (adminAddress !== null) log.info("admin", { address: adminAddress });
    if (grpc !== null) log.info("admin over gRPC", { address: grpc.address });
    if (peerAddress !== null) log.info("peers", { address: peerAddress });
    nesting?.start();
  } catch (error) {
    admin.close();
    grpc?.close();
    nesting?.close();
    await group.close();
    const isExpected = error instanceof ListenError || error instanceof WorkerError;
    throw isExpected ? new CommandError(error.message) : error;
  }
  const end = AbortSignal.any([stop, quit.signal]);
  await aborted(end);
  await drain(parts, String(end.reason));
  admin.close();
  grpc?.close();
  nesting?.close();
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
export function newRegistry(): Registry {
  const registry = new Registry();
  const labels = { version: packageVersion() };
  const help = "1, with the version as its label.";
  registry.gauge("fairlead_build_info", help, labels, () => 1);
  return registry;
}

/** Puts what evens out load around a group, when its config names peers. */
export async function withNesting(
  group: RelayGroup,
  { peers }: FrontConfig,
  discovery: Discovery,
  registry: Registry,
  system: System,
): Promise<Parts> {
  try {
    return { group, nesting: peers && createNesting(peers, group, discovery, registry, system) };
  } catch (error) {
    await group.close();
    throw error;
  }
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
  const feed = targetFeed(resolver, config.target, chosenConfig(config.policy));
  return new WorkerPool(config, { clock, rng, log, feed, registry, fork });
}

/** Peers are told first: what we close now is no overload of theirs to cure. */
function drain({ group, nesting }: Parts, by: string): Promise<void> {
  nesting?.drain();
  return group.drain(by);
}

function createNesting(
  peers: NonNullable<ProxyConfig["peers"]>,
  group: RelayGroup,
  { deps }: Discovery,
  registry: Registry,
  { clock, rng, log }: System,
): Nesting {
  const resolver = createResolver(peers.target, deps);
  const system = { clock, rng, log, registry, resolver };
  return namingPeerTlsFlags(() => new Nesting(peers, group, system));
}

async function connectionsOf({ group, nesting }: Parts): Promise<ConnectionsView> {
  const view = await group.downstreams();
  return nesting === null ? withoutPeers(view) : nesting.view(view);
}

function adminSource(parts: Parts, quit: () => void): AdminSource {
  const { group } = parts;
  return {
    clusters: () => group.clusters(),
    listeners: () => group.listeners(),
    routes: () => group.routes(),
    metrics: () => group.metrics(),
    readiness: () => group.readiness(),
    connections: () => connectionsOf(parts),
    drain: () => void drain(parts, "POST /drain_listeners"),
    quit,
  };
}

/** Listens on the address that `flag` names. */
async function bind<T>(flag: string, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    throw error instanceof ListenError ? new CommandError(`${flag}: ${error.message}`) : error;
  }
}

/** Before there are workers, each of which would tell of it. */
function checkTlsFiles({ tls, upstreamTls }: ProxyConfig, { clock, log }: System): void {
  if (tls !== null) ServerTls.load(tls, { clock, log }).close();
  if (upstreamTls !== null) ClientTls.load(upstreamTls, { clock, log }).close();
}
