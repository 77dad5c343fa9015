/**
 * `fairlead why` at work: asks a running proxy, or resolves and connects itself, and prints.
 */
import { silentLogger, TimerWheel } from "../base/index.ts";
import {
  type Cluster,
  type ClusterView,
  createCluster,
  DEFAULT_CLUSTER_CONFIG,
  type EndpointView,
} from "../cluster/index.ts";
import { createResolver, type Discovery, parseTarget } from "../discovery/index.ts";
import { ServiceConfigInForce } from "../mesh/index.ts";
import { chosenConfig, PROXY_DEFAULTS, renderWhy, type TcpAddress } from "../proxy/index.ts";
import { Registry } from "../telemetry/index.ts";
import { ClientTls, TransportLoop } from "../transport/index.ts";
import { askAdmin, notFairlead } from "./ask-admin.ts";
import { openFor } from "./discovery.ts";
import { createSystem, type System, writeOut } from "./system.ts";
import { namedFor, namingTlsFlags, upstreamTls } from "./tls-options.ts";
import type { WhyOptions } from "./why.ts";
import { isSettled, WAIT_MS, waitUntil } from "./why-wait.ts";

/**
 * Prints why the endpoints of `target` are picked or not.
 * @param target null: whatever the proxy at `options.admin` has.
 * @returns the exit code: 1 when nothing is usable.
 * @throws CommandError when there is nothing to print.
 */
export async function runWhy(target: string | null, options: WhyOptions): Promise<number> {
  if (options.admin === undefined && parseTarget(target!).kind === "xds") {
    return await runXds(target!, options);
  }
  const clusters =
    options.admin === undefined
      ? [await lookOurselves(target!, options)]
      : await askProxy(options.admin, target);
  if (options.output === "json") {
    const value = clusters.length === 1 ? clusters[0] : { clusters };
    await writeOut(`${JSON.stringify(value, null, 2)}\n`);
  } else await writeOut(clusters.map(renderWhy).join("\n"));
  const isUsable = clusters.some(({ endpoints }) => endpoints.some(({ usable }) => usable));
  return isUsable ? 0 : 1;
}

async function runXds(target: string, options: WhyOptions): Promise<number> {
  const { lookByXds, renderXdsWhy } = await import("./xds-why.ts");
  const document = await lookByXds(target, options, await createSystem(options));
  const isJson = options.output === "json";
  await writeOut(isJson ? `${JSON.stringify(document, null, 2)}\n` : renderXdsWhy(document));
  return document.endpoints.some(({ usable }) => usable) ? 0 : 1;
}

async function lookOurselves(target: string, options: WhyOptions): Promise<ClusterView> {
  const system = await createSystem(options);
  const discovery = await openFor([target], options, system);
  try {
    const cluster = connect(target, options, system, discovery);
    cluster.start();
    await waitUntil(system.clock, () => isSettled(cluster.view()));
    const view = cluster.view();
    cluster.close();
    return view;
  } finally {
    discovery.close();
  }
}

function connect(
  target: string,
  options: WhyOptions,
  { clock, rng, log }: System,
  { deps, defaultNamespace }: Discovery,
): Cluster {
  const choice = options.policy ?? options.serviceConfig ?? PROXY_DEFAULTS.policy;
  const inForce = new ServiceConfigInForce(chosenConfig(choice), target, silentLogger, (config) => {
    cluster.reconfigure(config);
  });
  const files = namedFor(upstreamTls(target, options), target, defaultNamespace);
  const cluster = createCluster(
    {
      ...DEFAULT_CLUSTER_CONFIG,
      target,
      serviceConfig: inForce.current,
      secure: files && namingTlsFlags(() => ClientTls.load(files, { clock, log })),
      maxConnectionsPerEndpoint: 1,
      readyTimeoutMs: WAIT_MS,
      isSourceLogged: false,
    },
    {
      clock,
      rng,
      // What is printed says why each endpoint is not used, or why there is none.
      log: silentLogger,
      resolver: createResolver(target, deps),
      loop: new TransportLoop(clock),
      wheel: new TimerWheel(clock),
      registry: new Registry(),
      listener: inForce,
    },
  );
  return cluster;
}

/** The clusters that the process with this admin endpoint has. */
async function askProxy(admin: TcpAddress, target: string | null): Promise<ClusterView[]> {
  const query = target === null ? "" : `&target=${encodeURIComponent(target)}`;
  const clusters = parseAnswer(await askAdmin(admin, `/why?format=json${query}`));
  if (clusters === null) throw notFairlead(admin);
  return clusters;
}

function parseAnswer(body: string): ClusterView[] | null {
  try {
    const { clusters } = JSON.parse(body) as { clusters?: unknown };
    return Array.isArray(clusters) && clusters.every(isClusterView) ? clusters : null;
  } catch {
    return null;
  }
}

/** As far as it is printed: whatever listens there may not be fairlead. */
function isClusterView(value: Partial<ClusterView> | null): value is ClusterView {
  const { target, policy, staleMs, reason = null, endpoints } = value ?? {};
  if (![target, policy, reason ?? ""].every(isText) || typeof staleMs !== "number") return false;
  return Array.isArray(endpoints) && endpoints.every(isEndpointView);
}

function isEndpointView(value: Partial<EndpointView> | null): value is EndpointView {
  const { address, state, source, reason, decision } = value ?? {};
  const { pod = null, latencyMs = null, assignment } = value ?? {};
  const { locality = "", health = "" } = assignment ?? {};
  if (![address, state, source, reason, pod ?? "", locality, health].every(isText)) return false;
  if (latencyMs !== null && typeof latencyMs !== "number") return false;
  return Array.isArray(decision) && decision.every((step) => isText(step?.rule));
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}
