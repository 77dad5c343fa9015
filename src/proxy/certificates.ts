/**
 * The certificates of a proxy: those that it shows to clients and those for its endpoints.
 *
 * Both or neither are loaded; what becomes of later changes of the files is counted here.
 */

import type { Clock, Logger } from "../base/index.ts";
import type { Registry } from "../telemetry/index.ts";
import { ClientTls, ServerTls } from "../transport/index.ts";
import type { ProxyConfig } from "./config.ts";

/** See the head of this file. */
export class Certificates {
  /** For the listeners, or null for plaintext. */
  readonly server: ServerTls | null;
  /** Towards endpoints, or null for plaintext. */
  readonly client: ClientTls | null;

  /** Throws TlsFileError when a file cannot be used; nothing is left open then. */
  constructor(config: ProxyConfig, clock: Clock, log: Logger, registry: Registry) {
    const deps = (side: string) => ({ clock, log, onReload: reloadCounter(registry, side) });
    const { tls, upstreamTls } = config;
    this.server = tls === null ? null : ServerTls.load(tls, deps("downstream"));
    try {
      this.client = upstreamTls === null ? null : ClientTls.load(upstreamTls, deps("upstream"));
    } catch (error) {
      this.server?.close();
      throw error;
    }
  }

  /** Looks at the files no more. */
  close(): void {
    this.server?.close();
    this.client?.close();
  }
}

function reloadCounter(registry: Registry, side: string): (isGood: boolean) => void {
  const [good, bad] = ["ok", "failed"].map((result) =>
    registry.counter("fairlead_tls_reloads_total", "Changed certificate files taken up, or not.", {
      side,
      result,
    }),
  );
  return (isGood) => (isGood ? good : bad)!.add();
}
