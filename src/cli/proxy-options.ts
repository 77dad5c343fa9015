/**
 * The flags of `fairlead proxy`, from text to `ProxyConfig`. Nothing is opened here but the file of
 * `--service-config @FILE`.
 */
import { readFileSync } from "node:fs";
import { KNOWN_POLICY_NAMES, parsePolicy, policyFromServiceConfig } from "../balancing/index.ts";
import { parseTarget } from "../discovery/index.ts";
import {
  LISTEN_FORMS,
  type PolicyChoice,
  PROXY_DEFAULTS,
  type ProxyConfig,
  type TcpAddress,
  tryParseListenAddress,
  tryParseTcpAddress,
} from "../proxy/index.ts";
import type { KubernetesOptions } from "./kubernetes-options.ts";
import { badValue, UsageError, underFlag } from "./usage.ts";
import type { CommonOptions } from "./verb.ts";

/** As commander yields them: values are checked, combinations are not. */
export interface ProxyOptions extends CommonOptions, KubernetesOptions {
  readonly listen?: ProxyConfig["listeners"];
  readonly to?: string;
  readonly policy?: PolicyChoice;
  readonly serviceConfig?: PolicyChoice;
  readonly admin?: TcpAddress;
  readonly workers?: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly toTls?: boolean;
  readonly toCa?: string;
  readonly toAuthority?: string;
  readonly toCert?: string;
  readonly toKey?: string;
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
  if (listen === undefined) throw new UsageError("--listen is missing: HOST:PORT or unix:PATH");
  if (to === undefined) throw new UsageError("--to is missing: a target such as HOST:PORT");
  if (options.policy !== undefined && options.serviceConfig !== undefined) {
    throw new UsageError("--policy and --service-config exclude each other");
  }
  const defaults = PROXY_DEFAULTS;
  return {
    listeners: listen,
    target: to,
    policy: options.policy ?? options.serviceConfig ?? defaults.policy,
    tls: serverTls(options),
    upstreamTls: upstreamTls(to, options),
    maxConnectionsPerEndpoint:
      options.maxConnectionsPerEndpoint ?? defaults.maxConnectionsPerEndpoint,
    maxConnections: options.maxConnections ?? defaults.maxConnections,
    maxStreams: options.maxStreams ?? defaults.maxStreams,
    drainDelayMs: options.drainDelay ?? defaults.drainDelayMs,
    drainTimeoutMs: options.drainTimeout ?? defaults.drainTimeoutMs,
    readyTimeoutMs: options.readyTimeout ?? defaults.readyTimeoutMs,
    idleTimeoutMs: options.idleTimeout ?? defaults.idleTimeoutMs,
    admin: options.admin ?? defaults.admin,
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

function upstreamTls(to: string, options: ProxyOptions): ProxyConfig["upstreamTls"] {
  const { toTls, toCa, toAuthority, toCert, toKey } = options;
  if (!toTls) {
    for (const [flag, value] of Object.entries({
      "--to-ca": toCa,
      "--to-authority": toAuthority,
      "--to-cert": toCert,
      "--to-key": toKey,
    })) {
      if (value !== undefined) throw new UsageError(`${flag} needs --to-tls`);
    }
    return null;
  }
  if (toCert !== undefined && toKey === undefined) throw new UsageError("--to-cert needs --to-key");
  if (toKey !== undefined && toCert === undefined) throw new UsageError("--to-key needs --to-cert");
  return {
    caFile: toCa ?? null,
    certFile: toCert ?? null,
    keyFile: toKey ?? null,
    serverName: toAuthority ?? serverNameOf(to, options.namespace),
  };
}

/**
 * What the endpoints' certificates should be for, or null for their addresses. Endpoints that are
 * found by a name have IP addresses; what their certificates carry is the name, in a cluster that
 * of the Service.
 */
export function serverNameOf(to: string, namespace: string | undefined): string | null {
  const target = parseTarget(to);
  if (target.kind === "dns") return target.host;
  if (target.kind !== "kubernetes") return null;
  const within = target.namespace ?? namespace;
  return within === undefined ? target.service : `${target.service}.${within}.svc`;
}

/** A parser of `--listen`. */
export function parseListen(flag: string, text: string): ProxyConfig["listeners"][number] {
  const address = tryParseListenAddress(text);
  if (address !== null) return address;
  throw badValue(flag, text, LISTEN_FORMS);
}

/** A parser of `--admin` of a proxy: a bare port is one of loopback. */
export function parseAdmin(flag: string, text: string): TcpAddress {
  const address = tryParseTcpAddress(/^\d+$/.test(text) ? `127.0.0.1:${text}` : text);
  if (address !== null) return address;
  throw badValue(flag, text, "HOST:PORT, [IPV6]:PORT or a port of 127.0.0.1");
}

/** A parser of `--to`: the text as it was given, once it is known to be a target. */
export function checkTarget(flag: string, text: string): string {
  underFlag(flag, () => parseTarget(text));
  return text;
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
  const serviceConfig = underFlag(flag, () => JSON.parse(json) as unknown);
  underFlag(flag, () => policyFromServiceConfig(serviceConfig));
  return { name: null, serviceConfig };
}

/** A parser of `--to-authority`: a name or an IP address, without a port. */
export function parseAuthority(flag: string, text: string): string {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  if (/^[\w.-]+$/.test(bare) || /^[0-9a-fA-F:.]+$/.test(bare)) {
    if (!/^[^:]*:\d+$/.test(bare)) return bare;
  }
  throw badValue(flag, text, "a name or an IP address without a port");
}

function readText(flag: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "no such file" : code;
    throw new UsageError(`${flag} @${file}: cannot be read: ${reason}`);
  }
}
