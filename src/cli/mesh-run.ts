/**
 * `fairlead proxy --gateway`, `--control` and `--to xds:///NAME` at work: composes the source of
 * configurations, relay or workers, and what every proxy has around it.
 */
import { createResolver, type Discovery, DiscoveryError } from "../discovery/index.ts";
import {
  GatewayMeshSource,
  type MeshSource,
  openXds,
  type ScopedStatus,
  type XdsSource,
} from "../mesh/index.ts";
import {
  chosenConfig,
  createMeshProxy,
  forkWorker,
  MeshFeed,
  type MeshProxyConfig,
  type RelayGroup,
  singleRelay,
  WorkerPool,
} from "../proxy/index.ts";
import type { Registry } from "../telemetry/index.ts";
import { TransportLoop } from "../transport/index.ts";
import { openFor } from "./discovery.ts";
import type { KubernetesOptions } from "./kubernetes-options.ts";
import type { ControlServer, MeshOrigin, MeshPlan } from "./mesh-options.ts";
import { namedForPeers } from "./peer-options.ts";
import { newRegistry, relay, withNesting } from "./proxy-run.ts";
import type { System } from "./system.ts";
import { CommandError } from "./usage.ts";
import { packageVersion } from "./version.ts";
import { workerEnvironment } from "./worker-settings.ts";

/**
 * Relays until `stop` is aborted or the admin endpoint says quit, then drains.
 * @returns the exit code.
 * @throws CommandError when it cannot start.
 */
export async function runMeshProxy(
  { origin, config }: MeshPlan,
  kubernetes: KubernetesOptions,
  system: System,
  stop: AbortSignal,
): Promise<number> {
  const { serves, workers } = config;
  system.log.info("starting", { version: packageVersion(), serves, workers });
  const registry = newRegistry();
  const targets = config.peers === null ? [] : [config.peers.target];
  const needsObjects = origin.kind === "objects";
  const discovery = await openFor(targets, kubernetes, system, registry, needsObjects);
  try {
    const source = await openSource(origin, kubernetes, discovery, system);
    const peers = config.peers && namedForPeers(config.peers, discovery.defaultNamespace);
    const named = { ...config, peers };
    const group = createGroup(named, source, registry, system);
    const parts = await withNesting(group, named, discovery, registry, system);
    return await relay(parts, named, system, stop, { xds: xdsOf(source, serves) });
  } finally {
    discovery.close();
  }
}

function createGroup(
  config: MeshProxyConfig,
  source: MeshSource,
  registry: Registry,
  { clock, rng, log, logOptions }: System,
): RelayGroup {
  if (config.workers === 1) {
    const onListening = (address: string, listener: string): void => {
      log.info("listening", { address, listener });
    };
    const deps = { clock, rng, log, source, registry, onListening };
    return singleRelay(createMeshProxy(config, deps));
  }
  const feed = new MeshFeed(source, config.serves, chosenConfig(config.policy));
  const fork = (worker: number) => forkWorker(workerEnvironment({ worker, logOptions }));
  return new WorkerPool(config, { clock, rng, log, feed, registry, fork });
}

/** The source of configurations that the flags ask for. @throws CommandError (rejects) */
export async function openSource(
  origin: MeshOrigin,
  kubernetes: KubernetesOptions,
  discovery: Discovery,
  system: System,
): Promise<MeshSource | XdsSource> {
  const { clock, log } = system;
  if (origin.kind !== "objects") return openXdsOrigin(origin, kubernetes, discovery, system);
  const { deps } = discovery;
  const newResolver = (target: string) => createResolver(target, deps);
  const objects = deps.objects!();
  return new GatewayMeshSource(origin.gateway, { clock, log, objects, newResolver });
}

/** The same of an xDS server. @throws CommandError (rejects) */
export async function openXdsOrigin(
  origin: Exclude<MeshOrigin, { kind: "objects" }>,
  kubernetes: KubernetesOptions,
  { deps }: Discovery,
  system: System,
): Promise<XdsSource> {
  const isControl = origin.kind === "control";
  const options = {
    env: process.env,
    bootstrap: isControl ? bootstrapOf(origin, kubernetes) : null,
    target: isControl ? null : origin.target,
    protocol: isControl ? ("delta" as const) : undefined,
  };
  const loop = new TransportLoop(system.clock);
  try {
    return await openXds(options, { ...deps, ...system, loop, version: packageVersion() });
  } catch (error) {
    // TargetError is known by its name alone outside its room.
    const { name, message } = error as Error;
    const isUsers = error instanceof DiscoveryError || error instanceof RangeError;
    throw isUsers || name === "TargetError" ? new CommandError(message) : error;
  }
}

/** How the xDS client of a source stands; undefined for one that has none. */
export function xdsOf(
  source: MeshSource | XdsSource,
  scope: string,
): (() => ScopedStatus) | undefined {
  return "status" in source ? () => ({ scope, status: source.status() }) : undefined;
}

/** What a control plane of ours is told of us; another one ignores what it does not know. */
function bootstrapOf(
  { gateway, server, role = "gateway" }: Extract<MeshOrigin, { kind: "control" }>,
  { node, zone, namespace }: KubernetesOptions,
): unknown {
  const { env } = process;
  const nodeName = node ?? env.NODE_NAME;
  const own = namespace ?? gateway?.namespace ?? env.POD_NAMESPACE;
  return {
    xds_servers: [
      {
        server_uri: server.address,
        channel_creds: [credentialsOf(server)],
        server_features: ["xds_v3"],
      },
    ],
    node: {
      id: `fairlead~${env.POD_NAME ?? env.HOSTNAME ?? "proxy"}~${process.pid}`,
      cluster: "fairlead",
      locality: { zone: zone ?? "" },
      metadata: {
        "fairlead.kind": role,
        ...(gateway !== null && { "fairlead.gateway": `${gateway.namespace}/${gateway.name}` }),
        ...(own !== undefined && { "fairlead.namespace": own }),
        ...(nodeName !== undefined && { "fairlead.node": nodeName }),
      },
    },
  };
}

function credentialsOf({ tls }: ControlServer): unknown {
  if (tls === null) return { type: "insecure" };
  const { caFile, certFile, keyFile } = tls;
  return {
    type: "tls",
    config: {
      ...(caFile !== null && { ca_certificate_file: caFile }),
      ...(certFile !== null && { certificate_file: certFile, private_key_file: keyFile }),
    },
  };
}
