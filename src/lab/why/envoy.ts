/**
 * The endpoints of an Envoy, from its admin's `/clusters?format=json`
 * (envoy.admin.v3.Clusters): as much of it as a row shows.
 */
import { asJson, type Json } from "../../base/index.ts";

/** One endpoint. */
export interface EnvoyHost {
  /** ip:port */
  readonly address: string;
  /** "HEALTHY", "failed_outlier_check": what it says of its health. */
  readonly health: string;
  readonly isHealthy: boolean;
  readonly weight: number;
  readonly connections: number;
  readonly activeCalls: number;
  readonly calls: number;
}

/** Bad answers give fewer hosts, never an error. */
export function envoyHosts(answer: unknown): readonly EnvoyHost[] {
  return listOf(asJson(answer).cluster_statuses).flatMap((cluster) =>
    listOf(cluster.host_statuses).flatMap(hostOf),
  );
}

function hostOf(host: Json): readonly EnvoyHost[] {
  const { address, port_value: port } = asJson(asJson(host.address).socket_address);
  if (typeof address !== "string" || typeof port !== "number") return [];
  const stats = new Map(listOf(host.stats).map(({ name, value }) => [name, Number(value ?? 0)]));
  const { eds_health_status: eds, ...failed } = asJson(host.health_status);
  const reasons = Object.keys(failed).filter((name) => failed[name] === true);
  const health =
    reasons.length > 0 ? reasons.join(", ") : typeof eds === "string" ? eds : "HEALTHY";
  return [
    {
      address: `${address}:${port}`,
      health,
      isHealthy: reasons.length === 0 && (health === "HEALTHY" || health === "UNKNOWN"),
      weight: typeof host.weight === "number" ? host.weight : 1,
      connections: stats.get("cx_active") ?? 0,
      activeCalls: stats.get("rq_active") ?? 0,
      calls: stats.get("rq_total") ?? 0,
    },
  ];
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(asJson) : [];
}
