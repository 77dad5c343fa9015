/**
 * The way to one xDS server: its name resolved, a connection and a call made, and made again with
 * backoff. gRFC A57.
 *
 * What is said on the call is not its business.
 */
import {
  assert,
  type Clock,
  jittered,
  type Logger,
  type Rng,
  type Timer,
} from "../../../base/index.ts";
import {
  ClientTls,
  type ConnectHints,
  Connector,
  DEFAULT_CONNECTOR_OPTIONS,
  type SocketSecurity,
  TlsFileError,
  type TransportLoop,
} from "../../../transport/index.ts";
import { createResolver, type ResolverDeps } from "../../create.ts";
import type { EndpointSet } from "../../endpoint.ts";
import type { Resolver, ResolverListener } from "../../resolver.ts";
import { parseTarget } from "../../target.ts";
import type { XdsServer } from "../bootstrap/bootstrap.ts";
import { REQUEST_UNREAD_MS } from "../limits.ts";
import { AdsCall, type AdsCallUser } from "./ads-call.ts";

/** The first delay between attempts; gRPC has 1 s, for servers that are many. */
const XDS_BACKOFF_MS_FIRST = 500;
/** The longest, before jitter. A control plane that comes back should be found soon. */
const XDS_BACKOFF_MS_MAX = 15_000;
const BACKOFF_MULTIPLIER = 1.6;
const BACKOFF_JITTER = 0.2;
/** A stream that was answered and lived this long is followed by another one at once. */
const STREAM_PROVEN_MS = 1_000;

/** The real things that a client needs. */
export interface XdsSystem extends ResolverDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly loop: TransportLoop;
  /** Of this program, as servers are told. */
  readonly version: string;
  /** Whether sockets let the process end. */
  readonly isUnref?: boolean | undefined;
}

/** Who speaks to the server. Each method may close the link. */
export interface ServerLinkUser {
  /** A new stream: nothing that was said on another one holds. */
  onStreamOpen(): void;
  onMessage(message: Uint8Array): void;
  /** Messages can be sent again, see `ServerLink.canSend`. */
  onWritable(): void;
  /** The stream ended. @param wasAnswered whether any message had come on it. */
  onStreamEnded(reason: string, wasAnswered: boolean): void;
}

/** Of a proxy, and of a bootstrap. */
const HINTS: ConnectHints = {
  tls: "--control-ca, or channel_creds of type tls in the bootstrap",
  authority: "the name in its certificate as the server's address",
};

/** See the head of this file. */
export class ServerLink implements AdsCallUser, ResolverListener {
  readonly #server: XdsServer;
  readonly #path: string;
  readonly #system: XdsSystem;
  readonly #user: ServerLinkUser;
  readonly #resolver: Resolver;
  #tls: ClientTls | null = null;
  #addresses: readonly string[] = [];
  #nextAddress = 0;
  #call: AdsCall | null = null;
  /** The next attempt. */
  #timer: Timer | null = null;
  /** While a request has not left. */
  #unread: Timer | null = null;
  #delayMs = XDS_BACKOFF_MS_FIRST;
  #openedMs = 0;
  #isAnswered = false;
  #isClosed = false;

  /**
   * @param path of the method.
   * @throws TargetError when `server.uri` cannot be dialled.
   */
  constructor(server: XdsServer, path: string, system: XdsSystem, user: ServerLinkUser) {
    this.#server = server;
    this.#path = path;
    this.#system = system;
    this.#user = user;
    this.#resolver = createResolver(server.uri, system);
  }

  /** Begins. Once only. */
  start(): void {
    this.#resolver.start(this);
  }

  /** Whether messages can be sent: there is a stream, and it has taken those before. */
  get canSend(): boolean {
    return this.#call?.canSend ?? false;
  }

  /** Sends a message; `canSend` says that it may be. */
  send(message: Uint8Array): void {
    const call = this.#call!;
    call.send(message);
    if (call.canSend) return;
    const { clock } = this.#system;
    this.#unread ??= clock.setTimer(REQUEST_UNREAD_MS, () => {
      this.#unread = null;
      this.refuse(`it has read no request for ${REQUEST_UNREAD_MS / 1_000} s`);
    });
  }

  #endUnread(): void {
    this.#unread?.cancel();
    this.#unread = null;
  }

  /** Ends everything. Harmless when repeated. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#setTimer(null);
    this.#endUnread();
    this.#resolver.close();
    this.#call?.close("the xDS client is closed");
    this.#call = null;
    this.#tls?.close();
  }

  // ResolverListener

  onEndpoints(set: EndpointSet): void {
    const hadNone = this.#addresses.length === 0;
    this.#addresses = set.endpoints.flatMap(({ addresses }) => addresses);
    if (this.#addresses.length > 0) {
      this.#nextAddress %= this.#addresses.length;
      if (this.#call !== null || !hadNone) return;
      this.#setTimer(null);
      this.#open();
    } else if (this.#call === null) {
      this.#fail(set.reason ?? `${this.#server.uri} has no address`, false);
    }
  }

  /** A stream that is open needs no address, until it ends. */
  onError(reason: string): void {
    const isWaiting = this.#call === null && this.#timer === null;
    if (this.#addresses.length === 0 && isWaiting) this.#fail(reason, false);
  }

  #setTimer(timer: Timer | null): void {
    this.#timer?.cancel();
    this.#timer = timer;
  }

  #open(): void {
    assert(this.#call === null, "one call at a time");
    if (this.#addresses.length === 0) {
      this.#resolver.resolveNow();
      this.#fail(`${this.#server.uri} has no address`, false);
      return;
    }
    const address = this.#addresses[this.#nextAddress]!;
    this.#nextAddress = (this.#nextAddress + 1) % this.#addresses.length;
    const security = this.#security();
    if (typeof security === "string") {
      this.#fail(security, false);
      return;
    }
    this.#isAnswered = false;
    this.#openedMs = this.#system.clock.nowMs();
    this.#call = new AdsCall(this.#callOptions(address, security), this);
  }

  #callOptions(address: string, secure: SocketSecurity | null) {
    const { loop, clock, version, isUnref } = this.#system;
    return {
      connector: new Connector(
        { ...DEFAULT_CONNECTOR_OPTIONS, secure, isUnref: isUnref === true, hints: HINTS },
        loop,
      ),
      address,
      authority: authorityOf(this.#server.uri, address),
      isSecure: secure !== null,
      path: this.#path,
      userAgent: `fairlead/${version}`,
      nowMs: () => clock.nowMs(),
    };
  }

  /** Null for plaintext; a reason when certificates cannot be used now. */
  #security(): SocketSecurity | null | string {
    const { credentials, uri } = this.#server;
    if (credentials.kind === "insecure" || this.#tls !== null) return this.#tls;
    const { caFile, certFile, keyFile } = credentials;
    const serverName = hostOf(authorityOf(uri, ""));
    const { clock, log } = this.#system;
    try {
      this.#tls = ClientTls.load({ caFile, certFile, keyFile, serverName }, { clock, log });
      return this.#tls;
    } catch (error) {
      if (error instanceof TlsFileError) return error.message;
      throw error;
    }
  }

  /** There is no call any more: who had one has closed it. */
  #fail(reason: string, wasAnswered: boolean): void {
    assert(this.#call === null, "a call is ended before another is made");
    this.#endUnread();
    const livedMs = this.#system.clock.nowMs() - this.#openedMs;
    // "If the ADS stream ... was closed after having received a response ... not a connectivity
    // error" (A57): it is opened again at once, unless that would go round in circles.
    const isAtOnce = wasAnswered && livedMs >= STREAM_PROVEN_MS;
    const delayMs = isAtOnce ? 0 : jittered(this.#delayMs, BACKOFF_JITTER, this.#system.rng);
    if (isAtOnce) this.#delayMs = XDS_BACKOFF_MS_FIRST;
    else this.#delayMs = Math.min(XDS_BACKOFF_MS_MAX, this.#delayMs * BACKOFF_MULTIPLIER);
    this.#setTimer(this.#system.clock.setTimer(delayMs, () => this.#onRetry()));
    this.#user.onStreamEnded(reason, wasAnswered);
  }

  #onRetry(): void {
    this.#timer = null;
    this.#open();
  }

  // AdsCallUser

  onOpen(): void {
    this.#user.onStreamOpen();
  }

  onMessage(message: Uint8Array): void {
    if (!this.#isAnswered) {
      this.#isAnswered = true;
      this.#delayMs = XDS_BACKOFF_MS_FIRST;
    }
    this.#user.onMessage(message);
  }

  onWritable(): void {
    this.#endUnread();
    this.#user.onWritable();
  }

  /** The user finds what came senseless: the stream is ended as a broken one. */
  refuse(reason: string): void {
    if (this.#call === null) return;
    this.#call.close(reason);
    this.#call = null;
    this.#fail(reason, false);
  }

  onEnded(reason: string): void {
    this.#call = null;
    this.#resolver.resolveNow();
    this.#fail(reason, this.#isAnswered);
  }
}

/** `:authority` of calls to a server: what its URI names; an address for a Unix socket. */
function authorityOf(uri: string, address: string): string {
  const parsed = parseTarget(uri);
  if (parsed.kind === "dns") return `${parsed.host}:${parsed.port}`;
  if (parsed.kind !== "static") return address;
  const first = parsed.addresses[0]!;
  return first.startsWith("unix:") ? "localhost" : first;
}

function hostOf(authority: string): string {
  return authority.slice(0, authority.lastIndexOf(":")).replace(/^\[|\]$/g, "") || authority;
}

/** Refuses a server that could never be dialled, in words. @throws TargetError or RangeError. */
export function checkServerUri(uri: string): void {
  const { kind } = parseTarget(uri);
  if (kind === "dns" || kind === "static") return;
  throw new RangeError(`xDS server ${uri}: allowed are HOST:PORT, dns:///HOST:PORT and unix:PATH`);
}
