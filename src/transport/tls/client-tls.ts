/**
 * TLS towards pods: which CA to trust, which name to verify, which certificate to show.
 *
 * It opens no socket: it is given connected ones. Renewed files are used by the connections
 * made afterwards; those that stand are not touched.
 */
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
    const name = this.#files.serverName ?? host;
    return {
      secureContext: this.#context.value,
      ALPNProtocols: [ALPN_H2],
      // "Literal IPv4 and IPv6 addresses are not permitted in HostName" (RFC 6066 §3).
      servername: isIP(name) === 0 ? name : "",
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
      rejectUnauthorized: true,
    };
  }

  /** See `SocketSecurity`. */
  connect(socket: Socket, host: string): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const secure = connect({ socket, ...this.connectOptions(host) });
      secure.once("secureConnect", () => resolve(secure));
      secure.once("error", reject);
    });
  }

  /** Stops looking at the files. */
  close(): void {
    this.#context.close();
  }
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
