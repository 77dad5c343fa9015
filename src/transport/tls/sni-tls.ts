/**
 * A listener's TLS with several certificates: the server name that a client asks for (SNI, RFC 6066
 * §3) chooses one. They come as PEM texts, and change while it serves: what new handshakes see is
 * new, connections that stand are not touched.
 *
 * Texts are never told in errors or logs.
 */
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from "node:tls";
import type { TlsFile } from "./files.ts";
import { checkKey, cleanPem, parseCertificates } from "./files.ts";
import { ALPN_H2, ALPN_HTTP1, TLS_HANDSHAKE_TIMEOUT_MS, TLS_RULES } from "./rules.ts";
import { ServerNames } from "./server-names.ts";
import type { ListenerSecurity } from "./server-tls.ts";

/** What is shown to clients that ask for certain names. */
export interface SniCertificate {
  /** "a.b" or "*.b", in lower case; none: whoever asks for another name, or for none. */
  readonly serverNames: readonly string[];
  /** PEM, of several kinds of keys; the chain follows each certificate. */
  readonly certificates: readonly { readonly cert: string; readonly key: string }[];
  /** PEM: clients must show a certificate of these; null: they need none. */
  readonly clientCa: string | null;
}

interface Entry {
  readonly source: SniCertificate;
  readonly context: SecureContext;
}

/** See the head of this file. */
export class SniTls implements ListenerSecurity {
  readonly #asksClients: boolean;
  readonly #servers = new Set<Server>();
  #names = new ServerNames<Entry>();
  #entries: readonly Entry[] = [];

  /** @param asksClients whether any client must show a certificate; others may then show one. */
  constructor(asksClients: boolean) {
    this.#asksClients = asksClients;
  }

  /**
   * From now on these hold. One that cannot be used leaves the last good one of the same names in
   * force, if there was one.
   * @returns a clause for each that cannot be used.
   */
  set(certificates: readonly SniCertificate[]): string[] {
    const problems: string[] = [];
    const entries: Entry[] = [];
    for (const source of certificates) {
      const key = String(source.serverNames);
      const before = this.#entries.find((one) => String(one.source.serverNames) === key);
      try {
        entries.push(isSame(before?.source, source) ? before! : newEntry(source));
      } catch (error) {
        problems.push(`${key || "any name"}: ${(error as Error).message}`);
        if (before !== undefined) entries.push(before);
      }
    }
    this.#entries = entries;
    const { rest } = this.#names;
    this.#names = new ServerNames();
    for (const entry of entries) this.#names.add(entry.source.serverNames, entry);
    if (this.#names.rest === rest) return problems;
    for (const server of this.#servers) this.#setRest(server);
    return problems;
  }

  options(): TlsOptions {
    return {
      ...TLS_RULES,
      SNICallback: (name, done) => {
        const entry = this.#names.find(name === "" ? null : name);
        if (entry === null) done(new Error(`no certificate for server name ${shortName(name)}`));
        else done(null, entry.context);
      },
      ALPNProtocols: [ALPN_H2, ALPN_HTTP1],
      requestCert: this.#asksClients,
      // Whether one is needed depends on the name: `refusalOf` says so.
      rejectUnauthorized: false,
      handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
    };
  }

  attach(server: Server): void {
    this.#servers.add(server);
    server.once("close", () => this.#servers.delete(server));
    this.#setRest(server);
  }

  /** A client that names no server never gets to the callback. */
  #setRest(server: Server): void {
    const { rest } = this.#names;
    server.setSecureContext(rest === null ? { ...TLS_RULES } : contextOptions(rest.source));
  }

  refusalOf(socket: TLSSocket): string | null {
    const { servername } = socket as { servername?: string | false };
    const entry = this.#names.find(servername || null);
    if (entry === null) return "no certificate is meant for the server name";
    if (entry.source.clientCa === null || socket.authorized) return null;
    if (socket.getPeerCertificate().raw === undefined) {
      return "the client showed no certificate, and one is asked for";
    }
    return `the client's certificate is not accepted: ${socket.authorizationError}`;
  }
}

function isSame(a: SniCertificate | undefined, b: SniCertificate): boolean {
  return a === b || (a !== undefined && JSON.stringify(a) === JSON.stringify(b));
}

function newEntry(source: SniCertificate): Entry {
  return { source, context: createSecureContext(contextOptions(source)) };
}

function contextOptions({ certificates, clientCa }: SniCertificate): SecureContextOptions {
  const file = (kind: TlsFile["kind"], path: string): TlsFile => ({ side: "server", kind, path });
  const checked = certificates.map(({ cert, key }) => {
    const certFile = file("certificate", "tls.crt");
    const chain = parseCertificates(certFile, cert);
    checkKey(certFile, chain[0], file("key", "tls.key"), key);
    return { cert: cleanPem(chain).join(""), key };
  });
  const options: SecureContextOptions = {
    ...TLS_RULES,
    cert: checked.map(({ cert }) => cert),
    key: checked.map(({ key }) => key),
  };
  if (clientCa !== null) options.ca = cleanPem(parseCertificates(file("CA", "ca.crt"), clientCa));
  return options;
}

/** Clients choose it: it ends in a log. */
function shortName(name: string): string {
  return JSON.stringify(name.slice(0, 255));
}
