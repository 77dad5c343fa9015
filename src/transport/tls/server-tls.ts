/**
 * The listeners' side of TLS: a certificate that renews itself from its files, ALPN, and client
 * certificates when a CA for them is given. RFC 9113 §9.2, RFC 7301.
 *
 * It makes options and keeps servers up to date; it opens no socket. A reload changes what new
 * handshakes see (`server.setSecureContext`); connections that stand are not touched.
 */
import type { X509Certificate } from "node:crypto";
import {
  createSecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from "node:tls";
import type { Clock, Logger } from "../../base/index.ts";
import { checkKey, cleanPem, parseCertificates, problem, type TlsFile } from "./files.ts";
import { Reloaded, type TlsDeps } from "./reload.ts";
import { ALPN_H2, ALPN_HTTP1, TLS_HANDSHAKE_TIMEOUT_MS, TLS_RULES } from "./rules.ts";

/** Where a listener's certificates lie. */
export interface ServerTlsFiles {
  /** PEM: our certificate first, then its chain. */
  readonly certFile: string;
  /** PEM, without passphrase. */
  readonly keyFile: string;
  /** PEM: the CAs that clients' certificates must come from; null: clients need none. */
  readonly clientCaFile: string | null;
}

/** How a listener serves TLS. */
export interface ListenerSecurity {
  /** For `tls.createServer`. */
  options(): TlsOptions;
  /** Keeps a server up to date until it closes. */
  attach(server: Server): void;
  /** Why a connection is refused whose handshake went well; null: it is not. */
  refusalOf(socket: TLSSocket): string | null;
}

/** The certificate of one or more listeners. */
export class ServerTls implements ListenerSecurity {
  readonly #files: ServerTlsFiles;
  readonly #context: Reloaded<SecureContextOptions>;
  readonly #servers = new Set<Server>();

  private constructor(files: ServerTlsFiles, deps: TlsDeps) {
    this.#files = files;
    this.#context = new Reloaded(
      serverFiles(files),
      (texts) => serverContext(files, texts, deps),
      deps,
      (context) => {
        for (const server of this.#servers) server.setSecureContext(context);
      },
    );
  }

  /**
   * Reads and checks the files, and looks for changes of them until `close()`.
   * @throws TlsFileError when they cannot be used.
   */
  static load(files: ServerTlsFiles, deps: TlsDeps): ServerTls {
    return new ServerTls(files, deps);
  }

  /** For `tls.createServer`: the certificates in use now. */
  options(): TlsOptions {
    return {
      ...this.#context.value,
      ALPNProtocols: [ALPN_H2, ALPN_HTTP1],
      requestCert: this.#files.clientCaFile !== null,
      rejectUnauthorized: this.#files.clientCaFile !== null,
      handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
    };
  }

  /** Gives `server` each later certificate, until it closes. */
  attach(server: Server): void {
    this.#servers.add(server);
    server.once("close", () => this.#servers.delete(server));
  }

  /** OpenSSL has refused whoever showed no certificate that is asked for. */
  refusalOf(): null {
    return null;
  }

  /** Stops looking at the files. Servers keep what they have. */
  close(): void {
    this.#context.close();
    this.#servers.clear();
  }
}

function serverFiles(files: ServerTlsFiles): TlsFile[] {
  const list: TlsFile[] = [
    { side: "server", kind: "certificate", path: files.certFile },
    { side: "server", kind: "key", path: files.keyFile },
  ];
  if (files.clientCaFile !== null) {
    list.push({ side: "server", kind: "CA", path: files.clientCaFile });
  }
  return list;
}

function serverContext(
  files: ServerTlsFiles,
  texts: readonly string[],
  deps: { clock: Clock; log: Logger },
): SecureContextOptions {
  const [certFile, keyFile, caFile] = serverFiles(files);
  const [cert, key, ca] = texts;
  const chain = parseCertificates(certFile, cert);
  const own = chain[0];
  checkKey(certFile, own, keyFile, key);
  const context: SecureContextOptions = { ...TLS_RULES, cert: cleanPem(chain).join(""), key };
  if (ca !== undefined) context.ca = cleanPem(parseCertificates(caFile, ca));
  tryContext(certFile, context);
  warnOfDates(certFile, own, deps);
  return context;
}

/** Lets OpenSSL judge the whole, such as keys that are too weak. Throws TlsFileError. */
export function tryContext(file: TlsFile, options: SecureContextOptions): void {
  try {
    createSecureContext(options);
  } catch (error) {
    throw problem(file, `cannot be used: ${(error as Error).message}`, error);
  }
}

/** A certificate out of its dates is used (the clock may be what is wrong), but said. */
export function warnOfDates(
  file: TlsFile,
  certificate: X509Certificate,
  deps: { clock: Clock; log: Logger },
): void {
  const nowMs = deps.clock.wallMs();
  const fields = {
    file: file.path,
    validFrom: certificate.validFrom,
    validTo: certificate.validTo,
  };
  if (nowMs > Date.parse(certificate.validTo)) deps.log.warn("certificate has expired", fields);
  if (nowMs < Date.parse(certificate.validFrom)) {
    deps.log.warn("certificate is not valid yet", fields);
  }
}
