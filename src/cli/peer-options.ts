/**
 * The flags by which replicas of `fairlead proxy` find each other and even out their load, and by
 * which connections end by age. Nothing is opened here.
 */
import { type Command, Option } from "commander";
import {
  type PeersConfig,
  PROXY_BOUNDS,
  PROXY_DEFAULTS,
  type ProxyConfig,
  type TcpAddress,
  tryParseTcpAddress,
} from "../proxy/index.ts";
import { certificateName, namingTlsFlags } from "./tls-options.ts";
import { badValue, secondsAsMs, UsageError, valueOption } from "./usage.ts";

/** As commander yields them. */
export interface PeerOptions {
  readonly peers?: string;
  readonly peerListen?: TcpAddress;
  readonly peerTlsCert?: string;
  readonly peerTlsKey?: string;
  readonly peerTlsCa?: string;
  /** These two in milliseconds. */
  readonly maxConnectionAge?: number;
  readonly maxConnectionAgeGrace?: number;
}

/** Adds the flags. `checkTarget` is the parser of targets, which has its home beside `--to`. */
export function addPeerOptions(
  command: Command,
  checkTarget: (flag: string, text: string) => string,
): void {
  const peers = "other replicas: a target of their --peer-listen; load is evened out among all";
  const listen = "HOST:PORT to answer them on: load figures and nothing else";
  const age = `a client connection of this age, 10 % more or less, is closed in order; 0: never (default: ${PROXY_DEFAULTS.maxConnectionAgeMs / 1000})`;
  const grace = `how long its calls may go on then; 0: as long as they take (default: ${PROXY_DEFAULTS.maxConnectionAgeGraceMs / 1000})`;
  command
    .addOption(valueOption("--peers <target>", peers, checkTarget))
    .addOption(valueOption("--peer-listen <address>", listen, parsePeerListen))
    .addOption(new Option("--peer-tls-cert <file>", "certificate among replicas, PEM"))
    .addOption(new Option("--peer-tls-key <file>", "its key, PEM"))
    .addOption(new Option("--peer-tls-ca <file>", "CA that the certificates of replicas are of"))
    .addOption(
      valueOption("--max-connection-age <s>", age, secondsAsMs(PROXY_BOUNDS.maxConnectionAgeMs)),
    )
    .addOption(
      valueOption(
        "--max-connection-age-grace <s>",
        grace,
        secondsAsMs(PROXY_BOUNDS.maxConnectionAgeGraceMs),
      ),
    );
}

/**
 * What the flags say.
 * @throws UsageError for flags that do not go together.
 */
export function peerConfig(
  options: PeerOptions,
): Pick<ProxyConfig, "peers" | "maxConnectionAgeMs" | "maxConnectionAgeGraceMs"> {
  const { maxConnectionAge, maxConnectionAgeGrace } = options;
  if (maxConnectionAgeGrace !== undefined && !maxConnectionAge) {
    throw new UsageError("--max-connection-age-grace needs --max-connection-age");
  }
  return {
    maxConnectionAgeMs: maxConnectionAge ?? PROXY_DEFAULTS.maxConnectionAgeMs,
    maxConnectionAgeGraceMs: maxConnectionAgeGrace ?? PROXY_DEFAULTS.maxConnectionAgeGraceMs,
    peers: peersOf(options),
  };
}

function peersOf(options: PeerOptions): PeersConfig | null {
  const { peers, peerListen } = options;
  const tls = peerTls(options);
  if (peers === undefined) {
    if (peerListen !== undefined) throw new UsageError("--peer-listen needs --peers");
    if (tls !== null) throw new UsageError("--peer-tls-cert needs --peers");
    return null;
  }
  if (peerListen === undefined) throw new UsageError("--peers needs --peer-listen");
  return { target: peers, listen: peerListen, tls };
}

/** Three or none: what is not verified on both sides is not worth its certificates. */
function peerTls({ peerTlsCert, peerTlsKey, peerTlsCa }: PeerOptions): PeersConfig["tls"] {
  const flags: [flag: string, value: string | undefined][] = [
    ["--peer-tls-cert", peerTlsCert],
    ["--peer-tls-key", peerTlsKey],
    ["--peer-tls-ca", peerTlsCa],
  ];
  const given = flags.filter(([, value]) => value !== undefined);
  if (given.length === 0) return null;
  const missing = flags.filter(([, value]) => value === undefined).map(([flag]) => flag);
  if (missing.length > 0) throw new UsageError(`${given[0]![0]} needs ${missing.join(" and ")}`);
  return { certFile: peerTlsCert!, keyFile: peerTlsKey!, caFile: peerTlsCa!, serverName: null };
}

/**
 * The same with the name that peers' certificates carry.
 *
 * @param namespace of targets that name none; null: no target needs one.
 */
export function namedForPeers(peers: PeersConfig, namespace: string | null): PeersConfig {
  if (peers.tls === null) return peers;
  const serverName = certificateName(peers.target, namespace);
  return { ...peers, tls: { ...peers.tls, serverName } };
}

function parsePeerListen(flag: string, text: string): TcpAddress {
  const address = tryParseTcpAddress(text);
  if (address !== null) return address;
  throw badValue(flag, text, "HOST:PORT or [IPV6]:PORT");
}

const PEER_TLS_FLAGS = {
  certificate: "--peer-tls-cert",
  key: "--peer-tls-key",
  CA: "--peer-tls-ca",
} as const;

/** See `namingTlsFlags`, for the files among replicas. */
export function namingPeerTlsFlags<T>(load: () => T): T {
  return namingTlsFlags(load, PEER_TLS_FLAGS);
}
