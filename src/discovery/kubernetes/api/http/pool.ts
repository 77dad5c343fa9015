/**
 * The connections to one API server: an agent of Node's, made anew when TLS settings change.
 *
 * Proxies (`proxy-url`) come by libraries that are loaded when one is named. Requests over an agent
 * that was replaced run to their end on their own connections; new ones use the new agent.
 */
import { type AgentOptions, type ClientRequest, Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { checkServerIdentity, type PeerCertificate, type SecureContext } from "node:tls";
import type { ClusterEntry } from "../config/entries.ts";
import type { TlsSettings } from "./tls.ts";

/** TCP keepalive begins after this silence; with Linux' probes a lost path is noticed in 20 s. */
export const TCP_KEEPALIVE_MS = 10_000;
/** Connections at rest that are kept for the next request. */
const IDLE_CONNECTIONS_MAX = 4;

/** What a request needs to go over a connection of the pool. */
export interface PooledOptions {
  readonly agent: HttpAgent;
  /** Ends a connection to a proxy that has not come about yet. */
  readonly proxyAbort?: AbortController;
  readonly secureContext?: SecureContext;
  readonly rejectUnauthorized?: boolean;
  readonly servername?: string;
}

const AGENT_OPTIONS: AgentOptions = {
  keepAlive: true,
  keepAliveMsecs: TCP_KEEPALIVE_MS,
  maxFreeSockets: IDLE_CONNECTIONS_MAX,
  scheduling: "lifo",
};

/** See the head of this file. */
export class ConnectionPool {
  readonly #cluster: ClusterEntry;
  readonly #isTls: boolean;
  readonly #retired = new Set<HttpAgent>();
  #settings: TlsSettings | null = null;
  #agent: Promise<HttpAgent> | null = null;
  #isClosed = false;

  constructor(cluster: ClusterEntry) {
    this.#cluster = cluster;
    this.#isTls = cluster.server.startsWith("https:");
  }

  /** What a new request is made with. @param settings null for a server without TLS. */
  async options(settings: TlsSettings | null): Promise<PooledOptions> {
    if (this.#agent !== null && settings !== this.#settings) this.retire();
    this.#settings = settings;
    this.#agent ??= this.#createAgent();
    const agent = await this.#agent;
    if (this.#isClosed) agent.destroy();
    const { isInsecure, tlsServerName, proxyUrl } = this.#cluster;
    const base = proxyUrl === null ? { agent } : { agent, proxyAbort: new AbortController() };
    if (settings === null) return base;
    return {
      ...base,
      secureContext: settings.secureContext,
      rejectUnauthorized: !isInsecure,
      ...(tlsServerName === null ? {} : { servername: tlsServerName }),
    };
  }

  /** New requests use new connections from here on; those at rest are closed. */
  retire(): void {
    const agent = this.#agent;
    this.#agent = null;
    agent?.then(
      (old) => {
        for (const sockets of Object.values(old.freeSockets)) {
          for (const socket of sockets ?? []) socket.destroy();
        }
        old.maxFreeSockets = 0; // those in use are closed when they come to rest
        if (this.#isClosed) old.destroy();
        else this.#retired.add(old);
        for (const one of this.#retired) {
          if (one !== old && Object.keys(one.sockets).length === 0) this.#retired.delete(one);
        }
      },
      () => {},
    );
  }

  /** Closes all connections. */
  close(): void {
    this.#isClosed = true;
    for (const agent of this.#retired) agent.destroy();
    this.#agent?.then(
      (agent) => agent.destroy(),
      () => {},
    );
  }

  #createAgent(): Promise<HttpAgent> {
    const { proxyUrl } = this.#cluster;
    if (proxyUrl !== null) return createProxyAgent(proxyUrl.reveal(), tlsNameOf(this.#cluster));
    const options = { ...AGENT_OPTIONS, ALPNProtocols: ["http/1.1"] };
    return Promise.resolve(this.#isTls ? new HttpsAgent(options) : new HttpAgent(AGENT_OPTIONS));
  }
}

/** The name or address that the server's certificate has to be for. */
function tlsNameOf({ server, tlsServerName }: ClusterEntry): string {
  return tlsServerName ?? new URL(server).hostname.replace(/^\[|\]$/g, "");
}

/**
 * CONNECT for http: and https: proxies, whatever the server speaks; else SOCKS 5.
 *
 * The libraries compare a certificate with "localhost" when the server is an address, so it is said
 * here with what; as an option of requests, it would keep connections from being used again.
 */
async function createProxyAgent(url: string, tlsName: string): Promise<HttpAgent> {
  const check = {
    checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
      checkServerIdentity(tlsName, certificate),
  };
  if (url.startsWith("socks")) {
    const { SocksProxyAgent } = await import("socks-proxy-agent");
    type Connect = InstanceType<typeof SocksProxyAgent>["connect"];

    class SocksAgent extends SocksProxyAgent {
      override connect(request: ClientRequest, options: Parameters<Connect>[1]) {
        return super.connect(request, { ...options, ...check });
      }
    }
    // The proxy resolves the name, as Go's client lets it.
    const proxy = url.replace(/^socks5:/, "socks5h:");
    // No `timeout`: the library gives a greeting 30 s by itself, and would end any silence by ours.
    return new SocksAgent(proxy, AGENT_OPTIONS);
  }
  const { HttpsProxyAgent } = await import("https-proxy-agent");
  type Connect = InstanceType<typeof HttpsProxyAgent>["connect"];

  /** The library would leave the connection to a proxy open that does not answer. */
  class ConnectAgent extends HttpsProxyAgent<string> {
    override connect(request: ClientRequest, options: Parameters<Connect>[1]) {
      const { proxyAbort } = options as typeof options & Partial<PooledOptions>;
      Object.assign(this.connectOpts, { signal: proxyAbort?.signal });
      // Reads `connectOpts` before it returns.
      return super.connect(request, { ...options, ...check });
    }
  }
  return new ConnectAgent(url, AGENT_OPTIONS);
}
