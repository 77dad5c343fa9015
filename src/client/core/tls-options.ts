/**
 * The option `tls`: which certificates to trust and to show, as PEM or as files that renew
 * themselves. Channels that say the same share one, so that they can share connections too.
 */
import { isIPv6 } from "node:net";
import { type Logger, silentLogger } from "../../base/index.ts";
import { ClientTls, PemTls, type SocketSecurity } from "../../transport/index.ts";
import { containedLogger } from "./contained-logger.ts";
import { checkNames, text } from "./option-checks.ts";
import { clientProcess } from "./process.ts";

/** TLS towards the servers. Either texts or files; all may be left out. */
export interface TlsOptions {
  /** PEM: the CAs to trust instead of the well-known ones that Node ships. */
  readonly ca?: string | Uint8Array | undefined;
  /** PEM: the certificate to show, with its chain; goes with `key`. */
  readonly cert?: string | Uint8Array | undefined;
  readonly key?: string | Uint8Array | undefined;
  /** The same as files: when they change, connections made afterwards use them. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** The name that the server's certificate must carry; by default the host of the authority. */
  readonly serverName?: string | undefined;
}

/** TLS in use by a channel. */
export interface TlsInUse {
  readonly secure: SocketSecurity;
  /** The last channel's ends the looking after files. */
  release(): void;
}

const TEXTS = ["ca", "cert", "key"] as const;
const FILES = ["caFile", "certFile", "keyFile"] as const;
const NAMES: readonly (keyof TlsOptions)[] = [...TEXTS, ...FILES, "serverName"];

interface Shared {
  readonly secure: SocketSecurity;
  readonly close: () => void;
  users: number;
}

const shared = new Map<string, Shared>();

/**
 * TLS for a channel; null for none.
 *
 * @throws RangeError naming the option; TlsFileError naming a file that cannot be used.
 */
export function useTls(
  tls: boolean | TlsOptions | undefined,
  authority: string,
  log: Logger | undefined,
): TlsInUse | null {
  if (tls === undefined || tls === false) return null;
  if (tls !== true && (typeof tls !== "object" || tls === null)) {
    throw new RangeError("tls must be true, false or an object");
  }
  const options = tls === true ? {} : tls;
  checkNames("tls", options, NAMES);
  const serverName = text("tls.serverName", options.serverName) ?? hostOf(authority);
  const texts = TEXTS.map((name) => textOf(name, options[name]));
  const files = FILES.map((name) => text(`tls.${name}`, options[name]));
  const key = JSON.stringify([serverName, texts, files]);
  let entry = shared.get(key);
  if (entry === undefined) {
    entry = { ...make(texts, files, serverName, log), users: 0 };
    shared.set(key, entry);
  }
  const used = entry;
  used.users += 1;
  const release = (): void => {
    used.users -= 1;
    if (used.users > 0) return;
    shared.delete(key);
    used.close();
  };
  return { secure: used.secure, release };
}

type Three = readonly (string | null)[];

function make(
  [ca, cert, key]: Three,
  [caFile, certFile, keyFile]: Three,
  serverName: string,
  log: Logger | undefined,
): Pick<Shared, "secure" | "close"> {
  const isText = ca !== null || cert !== null || key !== null;
  const isFile = caFile !== null || certFile !== null || keyFile !== null;
  if (isText && isFile) {
    throw new RangeError("tls: texts (ca, cert, key) and files (caFile, ...) exclude each other");
  }
  if ((cert === null) !== (key === null) || (certFile === null) !== (keyFile === null)) {
    throw new RangeError(`tls: ${isFile ? "certFile and keyFile" : "cert and key"} go together`);
  }
  if (!isFile) {
    const secure = new PemTls({ ca: ca!, cert: cert!, key: key!, serverName });
    return { secure, close: () => {} };
  }
  const { clock } = clientProcess().deps;
  const paths = { caFile: caFile!, certFile: certFile!, keyFile: keyFile!, serverName };
  const secure = ClientTls.load(paths, { clock, log: containedLogger(log ?? silentLogger) });
  return { secure, close: () => secure.close() };
}

function textOf(name: string, given: unknown): string | null {
  if (given === undefined) return null;
  if (typeof given === "string") return given;
  if (given instanceof Uint8Array) return Buffer.from(given).toString("latin1");
  throw new RangeError(`tls.${name} must be PEM, as a string or Buffer`);
}

/** "host:port" or "[::1]:port" or "host". */
function hostOf(authority: string): string {
  const host = isIPv6(authority) ? authority : authority.replace(/:\d+$/, "");
  return host.replace(/^\[|\]$/g, "");
}
