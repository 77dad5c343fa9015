/**
 * `fairleadChannel()`: a factory of our channels for stubs of grpc-js, made of what users say.
 *
 * It parses and checks; the channel itself is in `channel.ts`.
 */
import type { Channel, ChannelCredentials, ChannelInterface } from "@grpc/grpc-js";
import { type Logger, silentLogger } from "../../base/index.ts";
import type { ClusterView } from "../../cluster/index.ts";
import { DEFAULT_CLUSTER_CONFIG } from "../../cluster/index.ts";
import type { DiscoveryOptions } from "../../discovery/index.ts";
import {
  authorityOf,
  type ChannelSettings,
  type ClientChannel,
  checkNames,
  discoveryOptions,
  flag,
  httpProxyFor,
  logger,
  openChannel,
  packageVersion,
  show,
  text,
  wholeNumber,
} from "../core/index.ts";
import { GrpcJsChannel } from "./channel.ts";
import { type ChannelArgs, parseChannelArgs } from "./channel-args.ts";
import { parseCredentials } from "./credentials.ts";
import { targetWithPort } from "./dns-port.ts";
import type { GrpcModule } from "./grpc-module.ts";

/** What `fairleadChannel` takes beside channel arguments; everything has a default. */
export interface FairleadChannelOptions {
  /** How a `kubernetes` target finds its objects; by default as kubectl does. */
  readonly kubernetes?: DiscoveryOptions;
  /** "least_request" (the default), "round_robin", "random" or "pick_first". */
  readonly policy?: string;
  /**
   * Connections to one endpoint, opened one by one as its MAX_CONCURRENT_STREAMS is reached and
   * closed again at rest (gRFC A105). 1, the default: calls beyond the limit wait.
   */
  readonly maxConnectionsPerEndpoint?: number;
  /**
   * Lets call credentials go over plaintext, where anybody on the way can read them; otherwise such
   * a call fails with UNAUTHENTICATED.
   */
  readonly allowPlaintextCallCredentials?: boolean;
  /** Where lines go; nowhere unless given. */
  readonly log?: Logger;
  /** The copy of `@grpc/grpc-js` whose stubs use it, when it is not the one that we find. */
  readonly grpc?: GrpcModule;
}

/** For the client option `channelFactoryOverride` of grpc-js. */
export type ChannelFactory = (
  target: string,
  credentials: ChannelCredentials,
  channelArgs: ChannelArgs,
) => Channel;

const OPTION_NAMES: readonly string[] = [
  "kubernetes",
  "policy",
  "maxConnectionsPerEndpoint",
  "allowPlaintextCallCredentials",
  "log",
  "grpc",
] satisfies (keyof FairleadChannelOptions)[];

/**
 * A factory of fairlead channels for the stubs of that copy of grpc-js; see `fairleadChannel`.
 *
 * @throws RangeError for an option that does not exist or has an impossible value; OptionsError
 *   when two of `kubernetes` exclude each other.
 */
export function channelFactory(
  grpc: GrpcModule,
  options: FairleadChannelOptions = {},
): ChannelFactory {
  checkOptions(options);
  return (target, credentials, args) =>
    createChannel(options.grpc ?? grpc, target, credentials, args ?? {}, options);
}

/**
 * What is behind a client on a fairlead channel, endpoint by endpoint, as `fairlead why` shows it;
 * null while it is idle.
 *
 * @throws TypeError for a client on another channel: then something was forgotten.
 */
export function viewOf(client: { getChannel(): ChannelInterface }): ClusterView | null {
  const channel = client.getChannel();
  if (channel instanceof GrpcJsChannel) return channel.view();
  throw new TypeError(
    "this client is not on a fairlead channel: give it channelFactoryOverride: fairleadChannel()",
  );
}

function checkOptions(options: FairleadChannelOptions): void {
  // As grpc-js calls a factory: the parentheses were forgotten.
  if (typeof options === "string") {
    throw new RangeError(
      "fairleadChannel takes options: write channelFactoryOverride: fairleadChannel()",
    );
  }
  const name = (option: keyof FairleadChannelOptions): string => `fairleadChannel: ${option}`;
  checkNames("fairleadChannel", options, OPTION_NAMES);
  const { policy, maxConnectionsPerEndpoint, allowPlaintextCallCredentials, log, grpc } = options;
  text(name("policy"), policy);
  wholeNumber(name("maxConnectionsPerEndpoint"), maxConnectionsPerEndpoint, 1, 1);
  flag(name("allowPlaintextCallCredentials"), allowPlaintextCallCredentials, false);
  logger(name("log"), log);
  discoveryOptions(name("kubernetes"), options.kubernetes);
  if (grpc === undefined || typeof Object(grpc).Metadata === "function") return;
  throw new RangeError(`${name("grpc")} is ${show(grpc)}, must be the module @grpc/grpc-js`);
}

function createChannel(
  grpc: GrpcModule,
  given: string,
  credentials: ChannelCredentials,
  args: ChannelArgs,
  options: FairleadChannelOptions,
): Channel {
  if (typeof given !== "string") throw new TypeError("the target must be a string");
  const { kubernetes = {}, policy = null, maxConnectionsPerEndpoint = 1, log } = options;
  const target = targetWithPort(given);
  const parsed = parseChannelArgs(args, policy);
  const authority = parsed.authority ?? authorityOf(target);
  const proxy = parsed.usesHttpProxy ? httpProxyFor(target, process.env) : null;
  const [before, after] = parsed.userAgentParts;
  // Last, because what was taken must be given back.
  const { secure, call, release } = parseCredentials(grpc, credentials, authority, args);
  const settings: ChannelSettings = {
    target,
    dialTarget: proxy?.dialTarget ?? null,
    discovery: kubernetes,
    authority,
    scheme: secure === null ? "http" : "https",
    userAgent: [before, `grpc-node-fairlead/${packageVersion()}`, after].filter(Boolean).join(" "),
    contentType: "application/grpc",
    serviceConfig: parsed.serviceConfig,
    ownConfig: parsed.ownConfig,
    takesServiceConfig: parsed.takesServiceConfig,
    cluster: {
      ...parsed.cluster,
      maxConnectionsPerEndpoint,
      secure,
      tunnel: proxy?.tunnel ?? null,
      warmUp: DEFAULT_CLUSTER_CONFIG.warmUp,
    },
    encoding: parsed.encoding,
    sendBytesMax: parsed.sendBytesMax,
    receiveBytesMax: parsed.receiveBytesMax,
    attemptsMax: parsed.attemptsMax,
    idleTimeoutMs: parsed.idleTimeoutMs,
    isShared: parsed.isShared,
    log: log ?? silentLogger,
  };
  const made: ChannelInterface = new GrpcJsChannel(grpc, openOr(release, settings), {
    callCredentials: call,
    release,
    allowsPlaintextCredentials: options.allowPlaintextCallCredentials === true,
    isInChannelz: parsed.isInChannelz,
  });
  // Some libraries ask for the class; what they call is the interface.
  return made as Channel;
}

function openOr(release: () => void, settings: ChannelSettings): ClientChannel {
  try {
    return openChannel(settings);
  } catch (error) {
    release();
    throw error;
  }
}
