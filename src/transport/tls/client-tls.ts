/**
 * TLS towards pods: which CA to trust, which name to verify, which certificate to show.
 *
 * It opens no socket: it is given connected ones. Renewed files are used by the connections
 * made afterwards; those that stand are not touched.
 */
import type { X509Certificate } from "node:crypto";
import { isIP, type Socket } from "node:net";
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
} from "node:tls";
import type { SocketSecurity } from "../options.ts";
import { TlsFileError } from "./error.ts";
import { checkKey, cleanPem, parseCertificates, type TlsFile } from "./files.ts";
import { Reloaded, type TlsDeps } from "./reload.ts";
import { ALPN_H2, TLS_RULES } from "./rules.ts";
import { tryContext, warnOfDates } from "./server-tls.ts";

/** Where the certificates towards pods lie, and whom to expect there. */
export interface ClientTlsFiles {
  /** PEM: the CAs to trust instead of the well-known ones that Node ships; null: those. */
  readonly caFile: string | null;
  /** PEM: the certificate to show, with its chain; null: none. Goes with `keyFile`. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** The SNI and the name that the server's certificate must carry; null: the address's host. */
  readonly serverName: string | null;
}

/** The TLS settings of the connections to one target. */
export class ClientTls implements SocketSecurity {
  readonly #files: ClientTlsFiles;
  readonly #context: Reloaded<SecureContext>;

  private constructor(files: ClientTlsFiles, deps: TlsDeps) {
    this.#files = files;
    this.#context = new Reloaded(
      clientFiles(files),
      (texts) => clientContext(files, texts, deps),
      deps,
      () => {},
    );
  }

  /**
   * Reads and checks the files, and looks for changes of them until `close()`.
   * @throws TlsFileError when they cannot be used.
   */
  static load(files: ClientTlsFiles, deps: TlsDeps): ClientTls {
    return new ClientTls(files, deps);
  }

  /**
   * For `tls.connect`, beside the address: trust, name and certificate in use now, ALPN `h2`.
   * @param host the address's host, an IP or a name; verified unless a server name is set.
   */
  connectOptions(host: string): ConnectionOptions {
    return optionsFor(this.#context.value, this.#files.serverName ?? host);
  }

  /** See `SocketSecurity`. */
  connect(socket: Socket, host: string): Promise<Socket> {
    return connectOver(socket, this.connectOptions(host));
  }

  /** Stops looking at the files. */
  close(): void {
    this.#context.close();
  }
}

/** The same from texts, which do not change. */
export interface ClientTlsPem {
  /** PEM, each null as the file of that kind in `ClientTlsFiles`. */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly serverName: string | null;
}

/** The TLS settings of the connections to one target, from PEM texts. */
export class PemTls implements SocketSecurity {
  readonly #context: SecureContext;
  readonly #serverName: string | null;

  /** @throws RangeError when one of them is no PEM of its kind, or the key is another's. */
  constructor({ ca, cert, key, serverName }: ClientTlsPem) {
    this.#serverName = serverName;
    const options: SecureContextOptions = { ...TLS_RULES };
    if (ca !== null) options.ca = cleanPem(certificatesOf("ca", ca));
    if (cert !== null) options.cert = cleanPem(certificatesOf("cert", cert)).join("");
    if (key !== null) options.key = key;
    try {
      this.#context = createSecureContext(options);
    } catch (error) {
      // What OpenSSL says names the trouble, and holds nothing of the key.
      throw new RangeError(`tls cannot be used: ${(error as Error).message}`, { cause: error });
    }
  }

  /** See `SocketSecurity`. */
  connect(socket: Socket, host: string): Promise<Socket> {
    return connectOver(socket, optionsFor(this.#context, this.#serverName ?? host));
  }
}

/** As those of a file, with the option's name in place of the path. */
function certificatesOf(name: "ca" | "cert", text: string): X509Certificate[] {
  const kind = name === "ca" ? "CA" : "certificate";
  try {
    return parseCertificates({ side: "client", kind, path: `tls.${name}` }, text);
  } catch (error) {
    if (!(error instanceof TlsFileError)) throw error;
    throw new RangeError(error.message.replace(`${kind} file `, ""), { cause: error });
  }
}

function optionsFor(secureContext: SecureContext, name: string): ConnectionOptions {
  return {
    secureContext,
    ALPNProtocols: [ALPN_H2],
    // "Literal IPv4 and IPv6 addresses are not permitted in HostName" (RFC 6066 §3).
    servername: isIP(name) === 0 ? name : "",
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    rejectUnauthorized: true,
  };
}

function connectOver(socket: Socket, options: ConnectionOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const secure = connect({ socket, ...options });
    secure.once("secureConnect", () => resolve(secure));
    secure.once("error", reject);
  });
}

function clientFiles(files: ClientTlsFiles): TlsFile[] {
  const list: TlsFile[] = [];
  if (files.caFile !== null) list.push({ side: "client", kind: "CA", path: files.caFile });
  if (files.certFile !== null && files.keyFile !== null) {
    list.push({ side: "client", kind: "certificate", path: files.certFile });
    list.push({ side: "client", kind: "key", path: files.keyFile });
  }
  return list;
}

function clientContext(
  files: ClientTlsFiles,
  texts: readonly string[],
  deps: TlsDeps,
): SecureContext {
  const options: SecureContextOptions = { ...TLS_RULES };
  const list = clientFiles(files);
  const pair = files.caFile === null ? 0 : 1;
  if (files.caFile !== null) {
    options.ca = cleanPem(parseCertificates(list[0], texts[0]));
  }
  if (list.length > pair) {
    const chain = parseCertificates(list[pair], texts[pair]);
    const own = chain[0];
    checkKey(list[pair], own, list[pair + 1], texts[pair + 1]);
    options.cert = cleanPem(chain).join("");
    options.key = texts[pair + 1];
    warnOfDates(list[pair], own, deps);
  }
  if (list.length > 0) tryContext(list[0], options);
  return createSecureContext(options);
}
