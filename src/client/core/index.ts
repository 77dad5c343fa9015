/**
 * What the ways into the client share: channels and calls as gRPC has them, over room `cluster`.
 *
 * Promises: events of a call come in the order of the wire and end with exactly one status; a
 * channel keeps no program alive; settings are checked where they are parsed, not here.
 */
export { authorityOf } from "./authority.ts";
export type { CallOptions, ClientCall, ClientCallEvents } from "./call.ts";
export type { CallStatus } from "./call-status.ts";
export { ClientChannel } from "./channel.ts";
export {
  CHANNEL_OPTION_NAMES,
  type ChannelOptions,
  parseChannelOptions,
} from "./channel-options.ts";
export { ACCEPT_ENCODING, type Encoding } from "./compression.ts";
export { containedLogger } from "./contained-logger.ts";
export { type HttpProxy, httpProxyFor } from "./http-proxy.ts";
export { MetadataWait, type SetTimer } from "./metadata-wait.ts";
export {
  authorityText,
  checkNames,
  checkObject,
  discoveryOptions,
  flag,
  limitNumber,
  logger,
  show,
  text,
  wholeNumber,
} from "./option-checks.ts";
export { clientProcess, clockTimeOf, openChannel, timerAt } from "./process.ts";
export { reasonOf } from "./reason.ts";
export { ownServiceConfig } from "./service-config.ts";
export {
  BACKOFF_INITIAL_MS,
  BACKOFF_MAX_MS,
  type ChannelSettings,
  type ClientDeps,
  type ClusterSettings,
  IDLE_TIMEOUT_MS,
  IDLE_TIMEOUT_MS_MIN,
  KEEPALIVE_TIMEOUT_MS,
  RECEIVE_BYTES_MAX,
} from "./settings.ts";
export type { TlsInUse, TlsOptions } from "./tls-options.ts";
export { packageVersion } from "./version.ts";
