/**
 * The paths of the admin endpoint: each a method and a function from a request to an answer.
 *
 * No sockets here; `server.ts` reads requests and writes answers.
 */

import type { ClusterView, EndpointView } from "../../cluster/index.ts";
import { PROMETHEUS_CONTENT_TYPE, renderPrometheus } from "../../telemetry/index.ts";
import { renderCapture } from "./capture-text.ts";
import { renderConnections } from "./connections-text.ts";
import { renderListeners, renderRoutes } from "./mesh-text.ts";
import type { AdminSource } from "./source.ts";
import { renderClusters, renderWhy } from "./text.ts";

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";

/** What goes back. */
export interface AdminAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Run once the answer is on its way, such as the end of the process. */
  readonly afterwards: (() => void) | null;
}

/** One path. */
export interface AdminRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** For the list of paths. */
  readonly help: string;
  /** @throws AdminUsageError for a wrong parameter. */
  answer(source: AdminSource, query: URLSearchParams): Promise<AdminAnswer>;
}

/** A request that cannot be answered because of its parameters: 400 or 404 with the message. */
export class AdminUsageError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** All paths, in the order in which `/` lists them. */
export const ADMIN_ROUTES: readonly AdminRoute[] = [
  {
    method: "GET",
    path: "/livez",
    help: "200 while the process works",
    answer: async () => text(200, "live\n"),
  },
  {
    method: "GET",
    path: "/ready",
    help: "200 when calls can be served, else 503 and why",
    answer: answerReady,
  },
  {
    method: "GET",
    path: "/healthz",
    help: "the same as /ready, for probes that ask for it",
    answer: answerReady,
  },
  {
    method: "GET",
    path: "/metrics",
    help: "Prometheus text",
    answer: async (source) => ({
      ...text(200, renderPrometheus(await source.metrics())),
      contentType: PROMETHEUS_CONTENT_TYPE,
    }),
  },
  {
    method: "GET",
    path: "/clusters",
    help: "targets and their endpoints (?format=json)",
    answer: answerClusters,
  },
  {
    method: "GET",
    path: "/listeners",
    help: "listeners, where they are bound, and their chains (?format=json)",
    answer: async (source, query) => {
      const isJson = wantsJson(query);
      const listeners = await source.listeners();
      return isJson ? json({ listeners }) : text(200, renderListeners(listeners));
    },
  },
  {
    method: "GET",
    path: "/routes",
    help: "routes in the order in which they are matched (?format=json)",
    answer: async (source, query) => {
      const isJson = wantsJson(query);
      const routes = await source.routes();
      return isJson ? json({ routes }) : text(200, renderRoutes(routes));
    },
  },
  {
    method: "GET",
    path: "/why",
    help: "/clusters with the decision for each endpoint (?format=json, &target=TARGET)",
    answer: answerWhy,
  },
  {
    method: "GET",
    path: "/connections",
    help: "client connections, why each was or was not shed, and peers (?format=json)",
    answer: async (source, query) => {
      const isJson = wantsJson(query);
      const view = await source.connections();
      return isJson ? json(view) : text(200, renderConnections(view));
    },
  },
  {
    method: "GET",
    path: "/capture",
    help: "captured connections: what was decided for each destination, and why (?format=json)",
    answer: async (source, query) => {
      const isJson = wantsJson(query);
      const view = source.capture?.() ?? null;
      if (view === null) throw new AdminUsageError(404, "this proxy captures no connections");
      return isJson ? json(view) : text(200, renderCapture(view));
    },
  },
  {
    method: "POST",
    path: "/drain_listeners",
    help: "stop accepting, let calls finish, stay (?graceful)",
    answer: async (source) => {
      source.drain();
      return text(200, "draining\n");
    },
  },
  {
    method: "POST",
    path: "/quitquitquit",
    help: "drain, then exit",
    answer: async (source) => ({ ...text(200, "quitting\n"), afterwards: () => source.quit() }),
  },
];

/** The answer of `/`: a list of all paths. */
export function listOfPaths(): string {
  return ADMIN_ROUTES.map(
    ({ method, path, help }) => `${method.padEnd(4)} ${path.padEnd(16)} ${help}\n`,
  ).join("");
}

/** An answer in plain text. */
export function text(status: number, body: string): AdminAnswer {
  return { status, contentType: TEXT, body, afterwards: null };
}

async function answerReady(source: AdminSource): Promise<AdminAnswer> {
  const { ready, reason } = await source.readiness();
  return text(ready ? 200 : 503, `${reason}\n`);
}

async function answerClusters(source: AdminSource, query: URLSearchParams): Promise<AdminAnswer> {
  const isJson = wantsJson(query);
  const clusters = await source.clusters();
  if (!isJson) return text(200, renderClusters(clusters));
  return json({ clusters: clusters.map(withoutDecisions) });
}

/** With one target asked for, or only one there, it stands at the top as `fairlead why` has it. */
async function answerWhy(source: AdminSource, query: URLSearchParams): Promise<AdminAnswer> {
  const isJson = wantsJson(query);
  const target = query.get("target");
  const all = await source.clusters();
  const clusters = all.filter((cluster) => target === null || cluster.target === target);
  if (clusters.length === 0 && target !== null) {
    const known = all.map((cluster) => cluster.target).join(" ") || "none";
    throw new AdminUsageError(404, `no target ${JSON.stringify(target)} here; there is: ${known}`);
  }
  if (!isJson) return text(200, clusters.map(renderWhy).join("\n"));
  return json(clusters.length === 1 ? { ...clusters[0], clusters } : { clusters });
}

function wantsJson(query: URLSearchParams): boolean {
  const format = query.get("format");
  if (format === null || format === "text") return false;
  if (format === "json") return true;
  throw new AdminUsageError(400, `format ${JSON.stringify(format)} must be json or text`);
}

function withoutDecisions(cluster: ClusterView): unknown {
  const strip = ({ decision: _, ...rest }: EndpointView): Omit<EndpointView, "decision"> => rest;
  return { ...cluster, endpoints: cluster.endpoints.map(strip) };
}

function json(value: unknown): AdminAnswer {
  return {
    status: 200,
    contentType: JSON_TYPE,
    body: `${JSON.stringify(value)}\n`,
    afterwards: null,
  };
}
