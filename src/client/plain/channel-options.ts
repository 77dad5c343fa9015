/**
 * The options of a channel of the plain API: those that all ways of ours take, and its own.
 * docs/client.md has them as a table.
 */
import {
  CHANNEL_OPTION_NAMES,
  type ChannelSettings,
  checkNames,
  type Encoding,
  flag,
  limitNumber,
  parseChannelOptions as parseShared,
  RECEIVE_BYTES_MAX,
  type ChannelOptions as SharedOptions,
  type TlsInUse,
} from "../core/index.ts";
import { checkEncoding } from "./call-options.ts";
import type { MetadataInit } from "./metadata.ts";

/** What a provider of metadata is told of the call that it is for. */
export interface CallMetadataContext {
  /** "/package.Service/Method". */
  readonly path: string;
  /** The call's `:authority`. */
  readonly authority: string;
}

/** The option `callMetadata`. */
export type CallMetadataProvider = (context: CallMetadataContext) => Promise<MetadataInit>;

/** What `createChannel` takes; everything has a default. */
export interface ChannelOptions extends SharedOptions {
  /** Asked before each call for metadata to add, such as a fresh token. Over TLS only. */
  readonly callMetadata?: CallMetadataProvider | undefined;
  /** Lets `callMetadata` go over plaintext, where anybody on the way can read it. */
  readonly allowPlaintextCallMetadata?: boolean | undefined;
  /** The most that one message may have; Infinity, the default for sending, for no limit. */
  readonly sendBytesMax?: number | undefined;
  readonly receiveBytesMax?: number | undefined;
  /** How requests are compressed: "identity" (the default), "gzip" or "deflate". */
  readonly compression?: Encoding | undefined;
}

const NAMES: readonly string[] = [
  ...CHANNEL_OPTION_NAMES,
  ...(["callMetadata", "allowPlaintextCallMetadata"] as const),
  ...(["sendBytesMax", "receiveBytesMax", "compression"] as const),
];

/** The core's settings, and what ends with the channel. */
export interface ParsedOptions {
  readonly settings: ChannelSettings;
  readonly tls: TlsInUse | null;
  readonly callMetadata: CallMetadataProvider | null;
}

/**
 * Reads each option once.
 *
 * @throws RangeError naming an option; TargetError, OptionsError, PolicyError, ServiceConfigError,
 *   TlsFileError.
 */
export function parseChannelOptions(target: string, given: ChannelOptions): ParsedOptions {
  checkNames("createChannel", given, NAMES);
  const options = { ...given };
  const { compression, sendBytesMax, receiveBytesMax } = options;
  if (compression !== undefined) checkEncoding("compression", compression);
  const own = {
    contentType: "application/grpc",
    encoding: compression ?? "identity",
    sendBytesMax: limitNumber("sendBytesMax", sendBytesMax, Number.POSITIVE_INFINITY, 0),
    receiveBytesMax: limitNumber("receiveBytesMax", receiveBytesMax, RECEIVE_BYTES_MAX, 0),
  } as const;
  checkCallMetadata(options);
  // Last, because what was taken must be given back.
  const { settings, tls } = parseShared(target, options, "fairlead");
  return { settings: { ...settings, ...own }, tls, callMetadata: options.callMetadata ?? null };
}

function checkCallMetadata(options: ChannelOptions): void {
  const { callMetadata, tls } = options;
  if (callMetadata === undefined) return;
  if (typeof callMetadata !== "function") throw new RangeError("callMetadata must be a function");
  const isAllowed = flag("allowPlaintextCallMetadata", options.allowPlaintextCallMetadata, false);
  if ((tls !== undefined && tls !== false) || isAllowed) return;
  throw new RangeError(
    "callMetadata needs tls, or allowPlaintextCallMetadata where plaintext is meant",
  );
}
