/**
 * `fairlead proxy-config` at work: asks a proxy or reads a file, finds out whose words these are,
 * and prints.
 */
import type { TcpAddress } from "../proxy/index.ts";
import { formatAddress } from "../transport/index.ts";
import { askAdmin } from "./ask-admin.ts";
import { type ConfigKind, type ConfigRows, passes, renderConfig } from "./config-rows.ts";
import { dumpedRows, liveEndpoints } from "./envoy-config.ts";
import { at } from "./json-paths.ts";
import { ownRows } from "./own-config.ts";
import type { ProxyConfigOptions } from "./proxy-config.ts";
import { readWhole } from "./read-whole.ts";
import { writeOut } from "./system.ts";
import { CommandError } from "./usage.ts";

/** Where a proxy is asked when nothing else is said. */
const DEFAULT_ADMIN: TcpAddress = { host: "127.0.0.1", port: 9901 };

/** Bytes of a dump in a file. */
export const DUMP_BYTES_MAX = 64 * 1024 * 1024;

/** Whose words were read, and what they say. */
interface Found<K extends ConfigKind> {
  readonly proxy: "envoy" | "fairlead";
  readonly rows: readonly ConfigRows[K][];
}

/**
 * Prints what the proxy has of `kind`.
 * @returns the exit code.
 * @throws CommandError when nobody answers, or it is not understood.
 */
export async function runProxyConfig(
  kind: ConfigKind,
  options: ProxyConfigOptions,
): Promise<number> {
  const { file, admin = DEFAULT_ADMIN, output } = options;
  const { proxy, rows } =
    file === undefined ? await asked(kind, admin) : await fromFile(kind, file);
  const shown = rows.filter((row) => passes(row, options));
  if (output === "json") {
    await writeOut(`${JSON.stringify({ proxy, [kind]: shown }, null, 2)}\n`);
  } else await writeOut(renderConfig(kind, shown, rows.length));
  return 0;
}

async function asked<K extends ConfigKind>(kind: K, admin: TcpAddress): Promise<Found<K>> {
  const where = `--admin ${formatAddress(admin.host, admin.port)}`;
  const clusters = parse(where, await askAdmin(admin, "/clusters?format=json"));
  const hasClusters = at(clusters, "cluster_statuses") !== undefined;
  if (hasClusters && kind === "endpoints") {
    return { proxy: "envoy", rows: liveEndpoints(clusters) as ConfigRows[K][] };
  }
  // Of who says nothing the dump tells whether it is an Envoy.
  if (hasClusters || isEmptyObject(clusters)) {
    return understood(kind, where, parse(where, await askAdmin(admin, DUMP)));
  }
  if (kind === "endpoints" || kind === "clusters") return understood(kind, where, clusters);
  return understood(kind, where, parse(where, await askAdmin(admin, `/${kind}?format=json`)));
}

const DUMP = "/config_dump?include_eds";

/** An Envoy without a cluster leaves out the empty list. */
function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

async function fromFile<K extends ConfigKind>(kind: K, file: string): Promise<Found<K>> {
  const where = `--file ${file}`;
  return understood(kind, where, parse(where, await readWhole(file, where, DUMP_BYTES_MAX)));
}

function understood<K extends ConfigKind>(kind: K, where: string, said: unknown): Found<K> {
  if (at(said, "configs") !== undefined) return { proxy: "envoy", rows: dumpedRows(kind, said) };
  if (at(said, "cluster_statuses") !== undefined) {
    if (kind !== "endpoints") {
      throw new CommandError(`${where}: /clusters has no ${kind}: dump ${DUMP} instead`);
    }
    return { proxy: "envoy", rows: liveEndpoints(said) as ConfigRows[K][] };
  }
  const rows = ownRows(kind, said);
  if (rows !== null) return { proxy: "fairlead", rows };
  throw new CommandError(`${where}: has no ${kind}, or is no answer of fairlead or Envoy`);
}

function parse(where: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new CommandError(`${where}: not JSON`);
  }
}
