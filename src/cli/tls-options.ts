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
export function upstreamTls(to: string, options: ToTlsOptions): ProxyConfig["upstreamTls"] {
  const { toTls, toCa, toAuthority, toCert, toKey } = options;
  if (!toTls) {
    const [first] = toTlsValues(options).filter(([, value]) => value !== undefined);
    if (first !== undefined) throw new UsageError(`${first[0]} needs --to-tls`);
    return null;
  }
  if (toCert !== undefined && toKey === undefined) throw new UsageError("--to-cert needs --to-key");
  if (toKey !== undefined && toCert === undefined) throw new UsageError("--to-key needs --to-cert");
  const target = parseTarget(to);
  // Endpoints that are found by a name have IP addresses; their certificates carry the name.
  const serverName = toAuthority ?? (target.kind === "dns" ? target.host : null);
  const files: ClientTlsFiles = {
    ...{ caFile: toCa ?? null, certFile: toCert ?? null, keyFile: toKey ?? null },
    serverName,
  };
  return files;
}

/**
 * The same with the name that certificates of a Service's endpoints carry, SERVICE.NAMESPACE.svc,
 * when the flags named none. Only discovery knows the namespace of a target that names none: it may
 * come from a flag, a context or our pod.
 *
 * @param namespace of targets that name none; null: no target needs one.
 */
export function namedFor(
  files: ProxyConfig["upstreamTls"],
  to: string,
  namespace: string | null,
): ProxyConfig["upstreamTls"] {
  if (files === null || files.serverName !== null) return files;
  return { ...files, serverName: certificateName(to, namespace) };
}

/**
 * The name that certificates of a target's endpoints carry: a Service's, or the host of a DNS
 * target; null where there is none, and each endpoint's own host counts.
 *
 * @param namespace of targets that name none; null: no target needs one.
 */
export function certificateName(to: string, namespace: string | null): string | null {
  const target = parseTarget(to);
  if (target.kind === "dns") return target.host;
  if (target.kind !== "kubernetes") return null;
  return `${target.service}.${target.namespace ?? namespace}.svc`;
}

/** A parser of `--to-authority`: a name or an IP address, without a port. */
function parseAuthority(flag: string, text: string): string {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  if (/^[\w.-]+$/.test(bare) || /^[0-9a-fA-F:.]+$/.test(bare)) {
    if (!/^[^:]*:\d+$/.test(bare)) return bare;
  }
  throw badValue(flag, text, "a name or an IP address without a port");
}

/** Which flag names a file, by its kind. */
type FileFlags = Readonly<Record<TlsFileError["kind"], string>>;

const TLS_FLAGS: Readonly<Record<TlsFileError["side"], FileFlags>> = {
  server: { certificate: "--tls-cert", key: "--tls-key", CA: "--tls-client-ca" },
  client: { certificate: "--to-cert", key: "--to-key", CA: "--to-ca" },
};

/**
 * Only the command knows which flag named a file.
 *
 * @param flags where both sides use the same files.
 * @throws CommandError naming the flag, in place of a TlsFileError of `load`.
 */
export function namingTlsFlags<T>(load: () => T, flags?: FileFlags): T {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof TlsFileError)) throw error;
    const flag = (flags ?? TLS_FLAGS[error.side])[error.kind];
    throw new CommandError(`${flag}: ${error.message}`);
  }
}
