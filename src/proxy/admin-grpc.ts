/**
 * The admin endpoint over gRPC (`--admin-grpc`): channelz, health, and CSDS where an xDS server
 * says what is served, for grpcdebug and its like.
 *
 * Like the admin endpoint it has no TLS and belongs on loopback; nothing that it serves changes
 * anything. What it is made of is loaded when it is asked for, because few ask.
 */
import type { Clock, Logger } from "../base/index.ts";
import { loadCsds } from "../mesh/index.ts";
import type { AdminSource } from "./admin/index.ts";
import type { TcpAddress } from "./config.ts";

/** Connections of such tools at a time. */
export const ADMIN_GRPC_CONNECTIONS_MAX = 16;

const CHANNELZ = "grpc.channelz.v1.Channelz";
const CSDS = "envoy.service.status.v3.ClientStatusDiscoveryService";

/** It, listening. */
export interface AdminGrpc {
  /** "ip:port". */
  readonly address: string;
  close(): void;
}

/**
 * Serves at `address` what `source` tells.
 * Rejects with `ListenError`.
 */
export async function startAdminGrpc(
  address: TcpAddress,
  source: AdminSource,
  system: { readonly clock: Clock; readonly log: Logger },
): Promise<AdminGrpc> {
  const [{ channelzMethods }, { GrpcServer, Health }] = await Promise.all([
    import("./channelz/index.ts"),
    import("../server/index.ts"),
  ]);
  const { xds } = source;
  const csds = xds === undefined ? [] : await loadCsds(() => [xds()]);
  const health = new Health([CHANNELZ, ...(xds === undefined ? [] : [CSDS])]);
  const methods = [...channelzMethods(source, system.clock), ...csds, ...health.methods()];
  const limits = { maxConnections: ADMIN_GRPC_CONNECTIONS_MAX };
  const server = new GrpcServer({ addresses: [address], tls: null, ...limits }, methods, system);
  const [bound] = await server.listen();
  return { address: bound!, close: () => server.close() };
}
