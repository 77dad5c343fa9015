/**
 * `fairlead/connect`: a transport for clients of `@connectrpc/connect`, gRPC over fairlead's own
 * connections to every endpoint.
 *
 * In place of connect-node's `createGrpcTransport`; clients, interceptors and generated code stay.
 */
import {
  type ChannelOptions,
  openChannel,
  parseChannelOptions,
  RECEIVE_BYTES_MAX,
  show,
} from "../core/index.ts";
import { type ConnectOptions, checkNames, parseConnectOptions } from "./options.ts";
import { FairleadTransport } from "./transport.ts";

export type { Logger } from "../../base/index.ts";
export type { ClusterView, EndpointView } from "../../cluster/index.ts";
export type { DiscoveryOptions } from "../../discovery/index.ts";
export type { TlsOptions } from "../core/index.ts";
export type { FairleadTransport } from "./transport.ts";

/** What `createFairleadTransport` takes; all but the target has a default. */
export interface FairleadTransportOptions extends ConnectOptions, ChannelOptions {
  /**
   * "kubernetes:///SERVICE.NAMESPACE:PORT", "HOST:PORT", "IP:PORT,IP:PORT", "dns:///...",
   * "static:///...", "unix:PATH".
   */
  readonly target: string;
}

/**
 * A transport for `createClient` of Connect:
 *
 *     const client = createClient(Echo, createFairleadTransport({ target }));
 *
 * It connects with the first call. Transports of the same target and settings share their
 * connections.
 *
 * @throws RangeError for an option that does not exist, is refused, or has an impossible
 *   value; TargetError, PolicyError, ServiceConfigError, TlsFileError: each with one sentence.
 */
export function createFairleadTransport(given: FairleadTransportOptions): FairleadTransport {
  checkNames(given);
  // What is given is read once.
  const options: FairleadTransportOptions = { ...given };
  const { target } = options;
  if (typeof target !== "string")
    throw new RangeError(`target is ${show(target)}, must be a string`);
  const { channel, ...config } = parseConnectOptions(options);
  const { settings, tls } = parseChannelOptions(target, options, "connect-es-fairlead");
  const { receiveBytesMax, ...others } = channel;
  const all = { ...settings, ...others, receiveBytesMax: receiveBytesMax ?? RECEIVE_BYTES_MAX };
  try {
    return new FairleadTransport(openChannel(all), config, () => tls?.release());
  } catch (error) {
    tls?.release();
    throw error;
  }
}
