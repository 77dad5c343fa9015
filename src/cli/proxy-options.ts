/**
 * The flags of `fairlead proxy`, from text to `ProxyConfig`. Nothing is opened here but the file of
 * `--service-config @FILE`.
 */
import { readFileSync } from "node:fs";
import { KNOWN_POLICY_NAMES, parsePolicy } from "../balancing/index.ts";
import { parseServiceConfig as parseConfig } from "../cluster/index.ts";
import { parseTarget } from "../discovery/index.ts";
import {
  type FrontConfig,
  type ListenPlace,
  listenForms,
  type PolicyChoice,
  PROXY_DEFAULTS,
  type ProxyConfig,
  type TcpAddress,
  tryParseListenAddress,
  tryParseTcpAddress,
} from "../proxy/index.ts";
import type { ListenAddress } from "../transport/index.ts";
import type { KubernetesOptions } from "./kubernetes-options.ts";
import { type PeerOptions, peerConfig } from "./peer-options.ts";
import { type ToTlsOptions, upstreamTls } from "./tls-options.ts";
import { badValue, CommandError, UsageError, underFlag } from "./usage.ts";
import type { CommonOptions } from "./verb.ts";

/** Where to listen; with a port in front, that of a Gateway or of a control plane's listener. */
export type ListenOption = ListenAddress | ListenPlace;

/** As commander yields them: values are checked, combinations are not. */
export interface ProxyOptions extends CommonOptions, KubernetesOptions, ToTlsOptions, PeerOptions {
  readonly listen?: readonly ListenOption[];
  readonly to?: string;
  readonly policy?: PolicyChoice;
  readonly serviceConfig?: PolicyChoice;
  readonly admin?: TcpAddress;
  readonly adminGrpc?: TcpAddress;
  readonly workers?: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly maxConnectionsPerEndpoint?: number;
  readonly maxConnections?: number;
  readonly maxStreams?: number;
  /** These four in milliseconds. */
  readonly drainDelay?: number;
  readonly drainTimeout?: number;
  readonly readyTimeout?: number;
  readonly idleTimeout?: number;
}

/**
 * The config that the flags make.
 * @throws UsageError for flags that do not go together.
 */
export function proxyConfig(options: ProxyOptions): ProxyConfig {
  const { listen, to } = options;
  // Here and not by commander, which would tell of a missing flag before one that is misspelt.
  if (listen === undefined && to === undefined) {
    throw new UsageError(
      "--listen and --to are missing: where to listen, and a target; see --help of fairlead proxy",
    );
  }
  if (listen === undefined) throw new UsageError("--listen is missing: HOST:PORT or unix:PATH");
  if (to === undefined) throw new UsageError("--to is missing: a target such as HOST:PORT");
  return {
    ...frontConfig(options),
    listeners: listen.map(plainListen),
    target: to,
    policy: options.policy ?? options.serviceConfig ?? PROXY_DEFAULTS.policy,
    tls: serverTls(options),
    upstreamTls: upstreamTls(to, options),
  };
}

function plainListen(listen: ListenOption): ListenAddress {
  if (!("address" in listen)) return listen;
  throw new UsageError("--listen PORT=HOST:PORT needs --gateway or --control");
}

/**
 * What every proxy is told, whatever it serves.
 * @throws UsageError for flags that do not go together.
 */
export function frontConfig(options: ProxyOptions): FrontConfig {
  if (options.policy !== undefined && options.serviceConfig !== undefined) {
    throw new UsageError("--policy and --service-config exclude each other");
  }
  const defaults = PROXY_DEFAULTS;
  return {
    maxConnectionsPerEndpoint:
      options.maxConnectionsPerEndpoint ?? defaults.maxConnectionsPerEndpoint,
    maxConnections: options.maxConnections ?? defaults.maxConnections,
    maxStreams: options.maxStreams ?? defaults.maxStreams,
    drainDelayMs: options.drainDelay ?? defaults.drainDelayMs,
    drainTimeoutMs: options.drainTimeout ?? defaults.drainTimeoutMs,
    readyTimeoutMs: options.readyTimeout ?? defaults.readyTimeoutMs,
    idleTimeoutMs: options.idleTimeout ?? defaults.idleTimeoutMs,
    ...peerConfig(options),
    admin: options.admin ?? defaults.admin,
    adminGrpc: options.adminGrpc ?? defaults.adminGrpc,
    workers: options.workers ?? defaults.workers,
  };
}

function serverTls({ tlsCert, tlsKey, tlsClientCa }: ProxyOptions): ProxyConfig["tls"] {
  if (tlsCert === undefined && tlsKey === undefined) {
    if (tlsClientCa !== undefined) {
      throw new UsageError("--tls-client-ca needs --tls-cert and --tls-key");
    }
    return null;
  }
  if (tlsCert === undefined) throw new UsageError("--tls-key needs --tls-cert");
  if (tlsKey === undefined) throw new UsageError("--tls-cert needs --tls-key");
  return { certFile: tlsCert, keyFile: tlsKey, clientCaFile: tlsClientCa ?? null };
}

/** A parser of `--listen`. */
export function parseListen(flag: string, text: string): ListenOption {
  const placed = /^(\d{1,5})=(.*)$/.exec(text);
  if (placed !== null) {
    const port = Number(placed[1]);
    if (port < 1 || port > 65_535) throw badValue(flag, text, "PORT=HOST:PORT, PORT 1 to 65535");
    return { port, address: parseTcp(flag, placed[2]) };
  }
  const address = tryParseListenAddress(text);
  if (address !== null) return address;
  const hint = /^:?\d+$/.test(text) ? `; 0.0.0.0:${text.replace(":", "")} for all addresses` : "";
  throw badValue(flag, text, `${listenForms(text)}${hint}`);
}

/** @throws UsageError */
export function parseTcp(flag: string, text: string): TcpAddress {
  const address = tryParseTcpAddress(text);
  if (address !== null) return address;
  throw badValue(flag, text, "HOST:PORT or [IPV6]:PORT");
}

/** A parser of `--admin` of a proxy: a bare port is one of loopback. */
export function parseAdmin(flag: string, text: string): TcpAddress {
  const address = tryParseTcpAddress(/^\d+$/.test(text) ? `127.0.0.1:${text}` : text);
  if (address !== null) return address;
  throw badValue(flag, text, "HOST:PORT, [IPV6]:PORT or a port of 127.0.0.1");
}

/** A parser of `--to`: the text as it was given, once it is known to be a target. */
export function checkTarget(flag: string, text: string): string {
  if (text.endsWith(",")) {
    throw new UsageError(`${flag} "${text}": nothing behind the comma: a list has no spaces`);
  }
  // Another source says what it means: `mesh-options.ts`.
  if (flag === "--to" && text.startsWith("xds:")) return text;
  // An argument has no flag to be named, and the message names the target itself.
  const where = flag === "TARGET" ? "" : flag;
  const { kind } = underFlag(where, () => parseTarget(text));
  // Verbs that look at a target show its routes as well.
  if (kind !== "xds" || flag === "TARGET") return text;
  throw new UsageError(`${flag} "${text}": xds targets have routes beside endpoints`);
}

/** A parser of `--policy`. */
export function parsePolicyFlag(flag: string, text: string): PolicyChoice {
  underFlag(flag, () => parsePolicy(text));
  return { name: text, serviceConfig: null };
}

/** For help texts. */
export const POLICY_WORDS = KNOWN_POLICY_NAMES.join(", ");

/** A parser of `--service-config JSON|@FILE`. */
export function parseServiceConfig(flag: string, text: string): PolicyChoice {
  const json = text.startsWith("@") ? readText(flag, text.slice(1)) : text;
  const serviceConfig = parseJson(text.startsWith("@") ? `${flag} ${text}` : flag, json);
  underFlag(flag, () => parseConfig(serviceConfig));
  return { name: null, serviceConfig };
}

function parseJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${what}: is not JSON: ${(error as Error).message}`);
  }
}

/** @throws CommandError: as with certificates, a file that cannot be read is no mistake of form. */
function readText(flag: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "no such file" : code;
    throw new CommandError(`${flag} @${file}: cannot be read: ${reason}`);
  }
}
