/**
 * TLS of the exchange between replicas: one certificate for both roles, and a CA that both must
 * have. Files that renew themselves, as everywhere.
 */
import type { SecureContextOptions } from "node:tls";
import type { Clock, Logger } from "../../base/index.ts";
import { ClientTls, ServerTls } from "../../transport/index.ts";
import type { PeerTlsFiles } from "../config.ts";

/** What speaks HTTP/1.1 only. */
const ALPN: SecureContextOptions & { ALPNProtocols: string[] } = { ALPNProtocols: ["http/1.1"] };

/** Both roles' settings. */
export class PeerTls {
  readonly server: ServerTls;
  readonly #client: ClientTls;

  /** @throws TlsFileError when a file cannot be used; nothing is left open then. */
  constructor({ certFile, keyFile, caFile, serverName }: PeerTlsFiles, deps: PeerTlsDeps) {
    this.server = ServerTls.load({ certFile, keyFile, clientCaFile: caFile }, deps);
    try {
      this.#client = ClientTls.load({ caFile, certFile, keyFile, serverName }, deps);
    } catch (error) {
      this.server.close();
      throw error;
    }
  }

  /** For `https.createServer`. */
  serverOptions() {
    return { ...this.server.options(), ...ALPN };
  }

  /** For `https.request`, beside the address. */
  clientOptions(host: string) {
    return { ...this.#client.connectOptions(host), ...ALPN };
  }

  /** Looks at the files no more. */
  close(): void {
    this.server.close();
    this.#client.close();
  }
}

/** What reading the files needs. */
export interface PeerTlsDeps {
  readonly clock: Clock;
  readonly log: Logger;
}
