/**
 * `fairlead/connect`: a transport for clients of `@connectrpc/connect`, gRPC over fairlead's own
 * connections to every endpoint.
 *
 * In place of connect-node's `createGrpcTransport`; clients, interceptors and generated code stay.
 */
import type { Transport } from "@connectrpc/connect";
import { policyFromServiceConfig } from "../../balancing/index.ts";
import { silentLogger } from "../../base/index.ts";
import { DEFAULT_CLUSTER_CONFIG } from "../../cluster/index.ts";
import {
  authorityOf,
  IDLE_TIMEOUT_MS,
  openChannel,
  packageVersion,
  RECEIVE_BYTES_MAX,
} from "../core/index.ts";
import { type ConnectOptions, parseConnectOptions, refuseElsewhere } from "./options.ts";
import { FairleadTransport } from "./transport.ts";

export type { FairleadTransport } from "./transport.ts";

/** What `createFairleadTransport` takes; all but the target has a default. */
export interface FairleadTransportOptions extends ConnectOptions {
  /**
   * "kubernetes:///SERVICE.NAMESPACE:PORT", "HOST:PORT", "IP:PORT,IP:PORT", "dns:///...",
   * "static:///...", "unix:PATH".
   */
  readonly target: string;
}

export function createFairleadTransport(
  options: FairleadTransportOptions,
): FairleadTransport & Transport {
  refuseElsewhere({ ...options });
  const { target } = options;
  const { channel: settings, ...config } = parseConnectOptions(options);
  const channel = openChannel({
    target,
    dialTarget: null,
    discovery: {},
    authority: authorityOf(target),
    scheme: "http",
    userAgent: `connect-es-fairlead/${packageVersion()}`,
    contentType: settings.contentType,
    serviceConfig: null,
    policy: policyFromServiceConfig({}),
    takesServiceConfig: true,
    cluster: {
      maxConnectionsPerEndpoint: 1,
      backoff: DEFAULT_CLUSTER_CONFIG.backoff,
      connection: DEFAULT_CLUSTER_CONFIG.connection,
      keepalive: null,
      secure: null,
      tunnel: null,
      warmUp: DEFAULT_CLUSTER_CONFIG.warmUp,
    },
    encoding: settings.encoding,
    sendBytesMax: settings.sendBytesMax,
    receiveBytesMax: settings.receiveBytesMax ?? RECEIVE_BYTES_MAX,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    isShared: true,
    log: silentLogger,
  });
  return new FairleadTransport(channel, config);
}
