/**
 * The options of `createFairleadTransport` that are Connect's own, by Connect's names.
 *
 * Connect's options that make no sense here are refused with what to do instead: a transport that
 * quietly did something else would be found out in production.
 */
import type { JsonReadOptions, JsonWriteOptions } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { CHANNEL_OPTION_NAMES, checkObject, type Encoding, show } from "../core/index.ts";
import type { Format } from "./codec.ts";
import type { TransportConfig } from "./transport.ts";

/** As in connect-node: smaller messages gain nothing. */
const COMPRESS_MIN_BYTES = 1_024;
/** The most that a message of gRPC can say of its length. */
const MESSAGE_BYTES_MAX = 0xffff_ffff;

/** Options by the names that connect-node has for them. */
export interface ConnectOptions {
  /** Around every call, the first one outermost. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** For calls that name no `timeoutMs`; none by default. */
  readonly defaultTimeoutMs?: number | undefined;
  /** true, the default: binary; false: JSON, "application/grpc+json". */
  readonly useBinaryFormat?: boolean | undefined;
  /** Unknown fields are ignored unless it says otherwise. */
  readonly jsonOptions?: Format["jsonOptions"] | undefined;
  readonly binaryOptions?: Format["binaryOptions"] | undefined;
  /** How requests are compressed; null, the default: not at all. Answers may always be. */
  readonly sendCompression?: "gzip" | "deflate" | null | undefined;
  /** Smaller requests are sent uncompressed; 1 KiB by default. */
  readonly compressMinBytes?: number | undefined;
  /** The most that one received message may have; 4 MiB by default. */
  readonly readMaxBytes?: number | undefined;
  /** The most that one sent message may have; no limit by default. */
  readonly writeMaxBytes?: number | undefined;
}

const OPTION_NAMES: readonly string[] = [
  "target",
  ...CHANNEL_OPTION_NAMES,
  "interceptors",
  "defaultTimeoutMs",
  "useBinaryFormat",
  "jsonOptions",
  "binaryOptions",
  "sendCompression",
  "compressMinBytes",
  "readMaxBytes",
  "writeMaxBytes",
];

/** Options of other transports, and what to do instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  useHttpGet: "gRPC has no GET requests, every call is a POST",
  baseUrl: "the server is named by `target`, and secured by `tls`",
  httpVersion: "gRPC is always HTTP/2",
  acceptCompression: "answers in gzip and deflate are always accepted",
  nodeOptions: "Node's http2 is not used: see `tls`, `keepalive` and `authority`",
  sessionManager: "connections are kept by fairlead, one to every endpoint",
  pingIntervalMs: "see `keepalive`",
  pingIdleConnection: "see `keepalive`",
  pingTimeoutMs: "see `keepalive`",
  idleConnectionTimeoutMs: "see `idleTimeoutMs`",
};

/**
 * Refuses options that do not exist here. `useHttpGet: false` asks for nothing.
 *
 * @throws RangeError naming the option and what to do instead, or what there is.
 */
export function checkNames(options: unknown): asserts options is object {
  checkObject("createFairleadTransport: options", options);
  for (const [name, value] of Object.entries(options)) {
    if (OPTION_NAMES.includes(name) || value === undefined) continue;
    if (name === "useHttpGet" && value === false) continue;
    const why = ELSEWHERE[name];
    if (why !== undefined) throw new RangeError(`${name} is refused: ${why}`);
    const allowed = OPTION_NAMES.join(", ");
    throw new RangeError(`createFairleadTransport: unknown option ${name}: allowed are ${allowed}`);
  }
}

/** What `ConnectOptions` say of the channel. */
export interface ConnectChannelSettings {
  readonly contentType: string;
  readonly encoding: Encoding;
  readonly sendBytesMax: number;
  /** null: as the channel has it. */
  readonly receiveBytesMax: number | null;
}

/** @throws RangeError naming the option and what it may be. */
export function parseConnectOptions(
  options: ConnectOptions,
): TransportConfig & { readonly channel: ConnectChannelSettings } {
  const { interceptors = [], useBinaryFormat = true, sendCompression = null } = options;
  if (!Array.isArray(interceptors) || interceptors.some((each) => typeof each !== "function")) {
    throw new RangeError("interceptors must be a list of functions");
  }
  if (typeof useBinaryFormat !== "boolean") fail("useBinaryFormat", useBinaryFormat, "a boolean");
  if (sendCompression !== null && sendCompression !== "gzip" && sendCompression !== "deflate") {
    fail("sendCompression", sendCompression, '"gzip", "deflate" or null');
  }
  const { defaultTimeoutMs } = options;
  if (
    defaultTimeoutMs !== undefined &&
    !(typeof defaultTimeoutMs === "number" && defaultTimeoutMs > 0)
  ) {
    fail("defaultTimeoutMs", defaultTimeoutMs, "a number of milliseconds above 0");
  }
  const { binaryOptions = {}, jsonOptions = {} } = options;
  checkObject("binaryOptions", binaryOptions);
  checkObject("jsonOptions", jsonOptions);
  return {
    interceptors: [...interceptors],
    defaultTimeoutMs,
    compressMinBytes: bytesOf(options, "compressMinBytes", 0) ?? COMPRESS_MIN_BYTES,
    format: {
      useBinaryFormat,
      binaryOptions,
      jsonOptions: jsonOptionsOf(jsonOptions),
    },
    channel: {
      contentType: useBinaryFormat ? "application/grpc+proto" : "application/grpc+json",
      encoding: sendCompression ?? "identity",
      sendBytesMax: bytesOf(options, "writeMaxBytes", 1) ?? Number.POSITIVE_INFINITY,
      receiveBytesMax: bytesOf(options, "readMaxBytes", 1),
    },
  };
}

function jsonOptionsOf(
  given: Partial<JsonReadOptions & JsonWriteOptions>,
): Partial<JsonReadOptions & JsonWriteOptions> {
  return { ...given, ignoreUnknownFields: given.ignoreUnknownFields ?? true };
}

function bytesOf(
  options: ConnectOptions,
  name: "compressMinBytes" | "readMaxBytes" | "writeMaxBytes",
  min: number,
): number | null {
  const value = options[name];
  if (value === undefined) return null;
  if (Number.isSafeInteger(value) && value >= min && value <= MESSAGE_BYTES_MAX) return value;
  return fail(name, value, `a whole number from ${min} to ${MESSAGE_BYTES_MAX}`);
}

function fail(name: string, value: unknown, allowed: string): never {
  throw new RangeError(`${name} is ${show(value)}, must be ${allowed}`);
}
