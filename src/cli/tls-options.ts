/**
 * The flags of TLS towards endpoints, which `proxy` and `why` share, and which flag named a file
 * that cannot be used. Nothing is read here.
 */
import { type Command, Option } from "commander";
import { parseTarget } from "../discovery/index.ts";
import type { ProxyConfig } from "../proxy/index.ts";
import { type ClientTlsFiles, TlsFileError } from "../transport/index.ts";
import { badValue, CommandError, UsageError, valueOption } from "./usage.ts";

/** As commander yields them. */
export interface ToTlsOptions {
  readonly toTls?: boolean;
  readonly toCa?: string;
  readonly toAuthority?: string;
  readonly toCert?: string;
  readonly toKey?: string;
}

/** Adds the flags. */
export function addToTlsOptions(command: Command): void {
  const authority = "SNI and name to verify, instead of the target's host";
  command
    .addOption(new Option("--to-tls", "connect to endpoints with TLS"))
    .option("--to-ca <file>", "CA of the endpoints' certificates, instead of the well-known ones")
    .addOption(valueOption("--to-authority <name>", authority, parseAuthority))
    .option("--to-cert <file>", "certificate to show to endpoints, PEM")
    .option("--to-key <file>", "its key, PEM");
}

/** The flags that need `--to-tls`, with what they were given. */
export function toTlsValues(options: ToTlsOptions): [flag: string, value: string | undefined][] {
  const { toCa, toAuthority, toCert, toKey } = options;
  return [
    ["--to-ca", toCa],
    ["--to-authority", toAuthority],
    ["--to-cert", toCert],
    ["--to-key", toKey],
  ];
}

/**
 * What the flags say for the endpoints of `to`; null: plaintext.
 * @throws UsageError for flags that do not go together.
 */
export function upstreamTls(
  to: string,
  options: ToTlsOptions & { readonly namespace?: string },
): ProxyConfig["upstreamTls"] {
  const { toTls, toCa, toAuthority, toCert, toKey, namespace } = options;
  if (!toTls) {
    const [first] = toTlsValues(options).filter(([, value]) => value !== undefined);
    if (first !== undefined) throw new UsageError(`${first[0]} needs --to-tls`);
    return null;
  }
  if (toCert !== undefined && toKey === undefined) throw new UsageError("--to-cert needs --to-key");
  if (toKey !== undefined && toCert === undefined) throw new UsageError("--to-key needs --to-cert");
  const serverName = toAuthority ?? serverNameOf(to, namespace);
  const files: ClientTlsFiles = {
    ...{ caFile: toCa ?? null, certFile: toCert ?? null, keyFile: toKey ?? null },
    serverName,
  };
  return files;
}

/**
 * What the endpoints' certificates should be for, or null for their addresses. Endpoints that are
 * found by a name have IP addresses; what their certificates carry is the name, in a cluster that
 * of the Service.
 */
function serverNameOf(to: string, namespace: string | undefined): string | null {
  const target = parseTarget(to);
  if (target.kind === "dns") return target.host;
  if (target.kind !== "kubernetes") return null;
  const within = target.namespace ?? namespace;
  return within === undefined ? target.service : `${target.service}.${within}.svc`;
}

/** A parser of `--to-authority`: a name or an IP address, without a port. */
function parseAuthority(flag: string, text: string): string {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  if (/^[\w.-]+$/.test(bare) || /^[0-9a-fA-F:.]+$/.test(bare)) {
    if (!/^[^:]*:\d+$/.test(bare)) return bare;
  }
  throw badValue(flag, text, "a name or an IP address without a port");
}

const TLS_FLAGS = {
  server: { certificate: "--tls-cert", key: "--tls-key", CA: "--tls-client-ca" },
  client: { certificate: "--to-cert", key: "--to-key", CA: "--to-ca" },
} as const;

/** Only the command knows which flag named a file. */
export function namingTlsFlags<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof TlsFileError)) throw error;
    throw new CommandError(`${TLS_FLAGS[error.side][error.kind]}: ${error.message}`);
  }
}
