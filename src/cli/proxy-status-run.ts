/**
 * `fairlead proxy-status` at work: asks a control plane, again when something is on its way, and
 * prints.
 */
import type { TcpAddress } from "../proxy/index.ts";
import { formatAddress } from "../transport/index.ts";
import { askAdmin } from "./ask-admin.ts";
import { hasState, type NodeStatus, nodesOf, renderNodes } from "./node-rows.ts";
import { pause } from "./pause.ts";
import type { ProxyStatusOptions } from "./proxy-status.ts";
import { createSystem, type System, stdoutGone, stopSignal, writeOut } from "./system.ts";
import { upstreamTls } from "./tls-options.ts";
import { CommandError } from "./usage.ts";

/** Where a control plane is asked when nothing else is said. */
const DEFAULT_ADMIN: TcpAddress = { host: "127.0.0.1", port: 9901 };
/** Between two looks. */
const LOOK_MS = 500;

/**
 * Prints the nodes; with --watch at each change, until a signal comes or nobody reads any more.
 * @returns the exit code: 1 when something is NACKED, or STALE for too long.
 * @throws CommandError when nobody answers.
 */
export async function runProxyStatus(options: ProxyStatusOptions): Promise<number> {
  const system = await createSystem(options);
  const stop = AbortSignal.any([stopSignal(), stdoutGone()]);
  const look = await asker(options, stop);
  const nodes = options.watch
    ? await watched(look, options, system, stop)
    : await settled(look, options, system, stop);
  if (!options.watch) await writeOut(text(nodes, options));
  return hasState(nodes, "NACKED") || hasState(nodes, "STALE") ? 1 : 0;
}

/** Looks until nothing is STALE, or something has been for too long. */
async function settled(
  look: () => Promise<NodeStatus[]>,
  { staleAfter }: ProxyStatusOptions,
  { clock }: System,
  stop: AbortSignal,
): Promise<NodeStatus[]> {
  const endMs = clock.nowMs() + staleAfter;
  for (;;) {
    const nodes = await look();
    if (!hasState(nodes, "STALE") || clock.nowMs() >= endMs || stop.aborted) return nodes;
    await new Promise<void>((resolve) => clock.setTimer(LOOK_MS, resolve));
  }
}

/** Prints what changed of what people look at: states, errors and problems, not ages. */
async function watched(
  look: () => Promise<NodeStatus[]>,
  options: ProxyStatusOptions,
  { clock, log }: System,
  stop: AbortSignal,
): Promise<NodeStatus[]> {
  let last: NodeStatus[] = [];
  let shown = "";
  while (!stop.aborted) {
    try {
      last = await look();
    } catch (error) {
      if (stop.aborted) break;
      if (shown === "") throw error;
      log.warn("cannot ask", { reason: (error as Error).message });
    }
    const key = JSON.stringify(last, (name, value) =>
      name === "connectedMs" || name === "ackLagMs" ? undefined : value,
    );
    if (key !== shown) {
      const head = shown === "" || options.output === "json" ? "" : "\n";
      await writeOut(`${head}${text(last, options)}`);
      shown = key;
    }
    await pause(LOOK_MS, clock, stop);
  }
  return last;
}

function text(nodes: readonly NodeStatus[], { output, watch }: ProxyStatusOptions): string {
  if (output === "json") return `${JSON.stringify({ nodes }, null, watch ? 0 : 2)}\n`;
  return renderNodes(nodes, output === "wide");
}

/** How it is asked: by the admin endpoint, or by CSDS, whose code is loaded only then. */
async function asker(
  options: ProxyStatusOptions,
  stop: AbortSignal,
): Promise<() => Promise<NodeStatus[]>> {
  const { xds, admin = DEFAULT_ADMIN } = options;
  if (xds === undefined) return () => askNodes(admin, stop);
  const { askCsds } = await import("./csds.ts");
  const files = upstreamTls(xds, options);
  const tls = files && {
    ...(files.caFile === null ? {} : { caFile: files.caFile }),
    ...(files.certFile === null ? {} : { certFile: files.certFile }),
    ...(files.keyFile === null ? {} : { keyFile: files.keyFile }),
    ...(files.serverName === null ? {} : { serverName: files.serverName }),
  };
  return () =>
    askCsds(xds, tls ?? undefined).catch((error: Error) => {
      throw new CommandError(`--xds ${xds}: ${error.message}`);
    });
}

async function askNodes(admin: TcpAddress, stop: AbortSignal): Promise<NodeStatus[]> {
  const body = await askAdmin(admin, "/nodes?format=json", { stop });
  let nodes: NodeStatus[] | null = null;
  try {
    nodes = nodesOf(JSON.parse(body));
  } catch {
    // Not JSON: said below.
  }
  if (nodes !== null) return nodes;
  throw new CommandError(
    `--admin ${formatAddress(admin.host, admin.port)}: not an answer of fairlead control`,
  );
}
