/**
 * `fairlead why xds:///NAME` at work: asks the xDS server, connects to the endpoints of every
 * cluster that a route of the target names, and says what came of it.
 */
import { silentLogger, TimerWheel, visibleLines } from "../base/index.ts";
import { type ClusterView, DEFAULT_CLUSTER_CONFIG } from "../cluster/index.ts";
import { MeshClusters } from "../mesh/index.ts";
import { chosenConfig, renderWhy } from "../proxy/index.ts";
import { TransportLoop } from "../transport/index.ts";
import type { System } from "./system.ts";
import type { WhyOptions } from "./why.ts";
import { isSettled, WAIT_MS, waitUntil } from "./why-wait.ts";
import { XdsLook } from "./xds-look.ts";
import { renderXdsParts, type XdsParts } from "./xds-view.ts";

/** A target as one cluster, with what it is made of. */
export interface XdsWhyDocument extends ClusterView, XdsParts {
  readonly clusters: readonly ClusterView[];
}

/**
 * Looks until all clusters are settled, for `WAIT_MS` at most.
 *
 * @throws CommandError (rejects) when the bootstrap cannot be used.
 */
export async function lookByXds(
  target: string,
  options: WhyOptions,
  system: System,
): Promise<XdsWhyDocument> {
  const look = await XdsLook.open(target, options, system);
  const clusters = clustersFor(options, system);
  try {
    look.start(() => {
      if (look.config !== null) clusters.configure(look.config.clusters);
    });
    await waitUntil(system.clock, () => look.config !== null && clusters.views().every(isSettled));
    return documentOf(target, look, clusters.views());
  } finally {
    look.close();
    clusters.close();
  }
}

function clustersFor(options: WhyOptions, { clock, rng }: System): MeshClusters {
  return new MeshClusters({
    ...{ clock, rng, log: silentLogger, quiet: silentLogger, listener: null },
    loop: new TransportLoop(clock),
    wheel: new TimerWheel(clock),
    settings: {
      ...DEFAULT_CLUSTER_CONFIG,
      secure: null,
      maxConnectionsPerEndpoint: 1,
      readyTimeoutMs: WAIT_MS,
      isSourceLogged: false,
    },
    serviceConfig: chosenConfig(options.policy ?? options.serviceConfig ?? null),
    isEager: true,
  });
}

function documentOf(
  target: string,
  look: XdsLook,
  clusters: readonly ClusterView[],
): XdsWhyDocument {
  const isStale = clusters.some(({ stale }) => stale);
  return {
    target,
    policy: [...new Set(clusters.map(({ policy }) => policy))].join(", ") || "-",
    draining: false,
    stale: isStale,
    staleMs: Math.max(0, ...clusters.map(({ staleMs }) => staleMs)),
    reason: look.reason ?? clusters.find(({ reason }) => reason !== null)?.reason ?? null,
    notes: clusters.flatMap(({ target: name, notes }) => notes.map((note) => `${name}: ${note}`)),
    circuitBreakers: clusters.flatMap(({ circuitBreakers }) => circuitBreakers),
    endpoints: clusters.flatMap(({ endpoints }) => endpoints),
    clusters,
    ...look.parts(),
  };
}

/** The target's line, what the server said, and each cluster as `why` shows any. */
export function renderXdsWhy(document: XdsWhyDocument): string {
  const { target, reason, clusters, endpoints } = document;
  const usable = endpoints.filter((each) => each.usable).length;
  const of = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  const head = [
    `target ${target}   ${of(clusters.length, "cluster")}   ` +
      `${usable} of ${of(endpoints.length, "endpoint")} usable`,
  ];
  if (reason !== null) head.push(reason);
  const parts = visibleLines([...head, ...renderXdsParts(document)]);
  return [parts, ...clusters.map(renderWhy)].join("\n");
}
