/**
 * `fairlead/control`: a control plane inside another program. The package's public entry, where the
 * real clock is made.
 */
import { hostname } from "node:os";
import { type Logger, realClock, realRng, silentLogger } from "../base/index.ts";
import { type DiscoveryOptions, openObjects } from "../discovery/index.ts";
import { Registry, renderPrometheus } from "../telemetry/index.ts";
import type { ServerTlsFiles } from "../transport/index.ts";
import type { NodesView } from "./ads/status.ts";
import { CONTROL_DEFAULTS, ControlPlane } from "./plane/control-plane.ts";
import { RoutePlanning } from "./plane/routes.ts";

export type { Logger } from "../base/index.ts";
export type { DiscoveryOptions } from "../discovery/index.ts";
export type { ServerTlsFiles } from "../transport/index.ts";
export type { NodesView, NodeTypeView, NodeView } from "./ads/status.ts";

/** What `startControl` takes: the flags of `fairlead control`, with its defaults. */
export interface ControlOptions {
  /** Where nodes connect; default 127.0.0.1:18000. Port 0: any. */
  readonly listen?: readonly { readonly host: string; readonly port: number }[];
  /** The admin endpoint; none unless given. */
  readonly admin?: { readonly host: string; readonly port: number };
  /** How Kubernetes objects are found; by default as kubectl does. */
  readonly kubernetes?: DiscoveryOptions;
  readonly tls?: ServerTlsFiles;
  /** Nodes may have only what their certificates' namespaces may. Needs `tls.clientCaFile`. */
  readonly authorize?: boolean;
  /** Only objects of these namespaces; of all unless given. */
  readonly namespaces?: readonly string[];
  readonly drainTimeoutMs?: number;
  /** Where lines go; nowhere unless given. */
  readonly log?: Logger;
}

/** A control plane that listens. */
export interface RunningControl {
  /** In the order of `listen`, with the ports in use. */
  readonly addresses: readonly string[];
  readonly adminAddress: string | null;
  /** How all connected nodes stand, as `GET /nodes` shows it. */
  nodes(): NodesView;
  readiness(): { readonly ready: boolean; readonly reason: string };
  /** Its figures in the Prometheus text format. */
  metricsText(): string;
  /** Tells nodes to go elsewhere; resolves when they have gone, or at `drainTimeoutMs`. */
  drain(): Promise<void>;
  /** Ends everything at once. */
  close(): void;
}

/**
 * Starts a control plane; resolves once it listens. Objects that cannot be read yet are no error.
 *
 * Rejects with one clear sentence: RangeError for options that do not go together, DiscoveryError,
 * TlsFileError, or ListenError for an address that cannot be had.
 */
export async function startControl(options: ControlOptions = {}): Promise<RunningControl> {
  const { tls = null, authorize = false, namespaces = null, log = silentLogger } = options;
  if (authorize && (tls === null || tls.clientCaFile === null)) {
    throw new RangeError("authorize needs tls.clientCaFile: nodes are known by their certificates");
  }
  const [clock, rng, registry] = [realClock(), realRng(), new Registry()];
  const system = { clock, rng, log, env: process.env, optionPrefix: "kubernetes." };
  const opened = await openObjects(options.kubernetes ?? {}, system, true);
  const { source, writer } = opened;
  const planning = new RoutePlanning();
  let plane: ControlPlane;
  try {
    plane = new ControlPlane(
      {
        ...CONTROL_DEFAULTS,
        listeners: options.listen ?? [CONTROL_DEFAULTS.listen],
        admin: options.admin ?? null,
        ...{ tls, isAuthorized: authorize, namespaces },
        leaseNamespace: source.defaultNamespace,
        replica: hostname(),
        drainTimeoutMs: options.drainTimeoutMs ?? CONTROL_DEFAULTS.drainTimeoutMs,
      },
      {
        ...{ clock, rng, log, registry, source, writer },
        planner: planning,
        judge: (state) => planning.judge(state),
      },
    );
    const { listen, admin } = await plane.start();
    return {
      addresses: listen,
      adminAddress: admin,
      nodes: () => plane.nodes(),
      readiness: () => plane.readiness(),
      metricsText: () => renderPrometheus(registry.snapshot()),
      drain: async () => {
        await plane.drain("the program");
        opened.close();
      },
      close: () => {
        plane.close();
        opened.close();
      },
    };
  } catch (error) {
    opened.close();
    throw error;
  }
}
