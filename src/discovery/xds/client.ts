/**
 * A client of xDS servers: watches of resources over one ADS stream at a time, with fallback to the
 * next server. gRFCs A27, A57, A71 and A88.
 *
 * It knows the protocol and no type of resource: whoever watches brings a `ResourceKind`. What an
 * answer says is taken in as a whole before anybody is told of it.
 */
import type { Timer } from "../../base/index.ts";
import type { Node } from "../../xds/index.ts";
import { DeltaDialect } from "./ads/delta.ts";
import type { Answered, Dialect, Wanted } from "./ads/dialect.ts";
import {
  checkServerUri,
  ServerLink,
  type ServerLinkUser,
  type XdsSystem,
} from "./ads/server-link.ts";
import { SotwDialect } from "./ads/sotw.ts";
import { type TableOwner, TypeTable } from "./ads/type-table.ts";
import { type AdsResponse, nodeOf } from "./ads/wire.ts";
import type { XdsBootstrap, XdsServer } from "./bootstrap/bootstrap.ts";
import { Followed } from "./followed.ts";
import type {
  ResourceKind,
  ResourceStatus,
  ResourceWatch,
  ResourceWatcher,
  WildcardWatcher,
} from "./resource.ts";

/** State of the world, which every server speaks; or by difference. */
export type XdsProtocol = "sotw" | "delta";

/** What a client shows of itself. */
export interface XdsClientStatus {
  /** Who it is, as servers are told. */
  readonly node: Node;
  /** See `XdsClient.trouble`. */
  readonly trouble: string | null;
  readonly resources: readonly ResourceStatus[];
}

/** An ACK, or a NACK, that is to be sent. */
interface Owed {
  readonly answered: Answered;
  readonly problem: string | null;
  readonly wanted: Wanted;
}

/** One server that is spoken to. */
class Session implements ServerLinkUser {
  readonly server: XdsServer;
  readonly dialect: Dialect;
  readonly link: ServerLink;
  /** Its last attempt ended without an answer. */
  hasFailed = false;
  /** By type: what is to be acknowledged. A newer answer takes the place of one before. */
  readonly #owed = new Map<string, Owed>();
  readonly #owner: XdsClient;

  constructor(server: XdsServer, dialect: Dialect, system: XdsSystem, owner: XdsClient) {
    this.server = server;
    this.dialect = dialect;
    this.#owner = owner;
    this.link = new ServerLink(server, dialect.path, system, this);
  }

  onStreamOpen(): void {
    this.#owed.clear();
    this.dialect.reset();
    this.#owner.onStreamOpen(this);
  }

  onMessage(message: Uint8Array): void {
    this.hasFailed = false;
    this.#owner.onMessage(this, message);
  }

  /** Says what became of an answer, as soon as the server reads. */
  acknowledge({ typeUrl, nonce, version }: AdsResponse, problem: string | null, wanted: Wanted) {
    const before = this.#owed.get(typeUrl);
    if (before !== undefined) this.dialect.skip(before.answered, before.problem);
    this.#owed.set(typeUrl, { answered: { typeUrl, nonce, version }, problem, wanted });
    this.#pay();
  }

  #pay(): void {
    for (const [typeUrl, { answered, problem, wanted }] of this.#owed) {
      if (!this.link.canSend) return;
      this.#owed.delete(typeUrl);
      this.link.send(this.dialect.acknowledge(answered, problem, wanted));
    }
  }

  onWritable(): void {
    this.#pay();
    this.#owner.onWritable(this);
  }

  onStreamEnded(reason: string, wasAnswered: boolean): void {
    this.hasFailed = !wasAnswered;
    this.#owner.onStreamEnded(this, reason, wasAnswered);
  }
}

/** See the head of this file. */
export class XdsClient implements TableOwner {
  readonly bootstrap: XdsBootstrap;
  readonly #system: XdsSystem;
  readonly #protocol: XdsProtocol;
  /** Of the servers from the first on: the last one is the fallback in use. */
  readonly #sessions: Session[] = [];
  readonly #tables = new Map<string, TypeTable<unknown>>();
  #trouble: string | null = null;
  #flush: Timer | null = null;
  #isClosed = false;

  /** @throws RangeError or TargetError when a server's URI cannot be dialled. */
  constructor(bootstrap: XdsBootstrap, system: XdsSystem, protocol: XdsProtocol = "sotw") {
    for (const { uri } of bootstrap.servers) checkServerUri(uri);
    this.bootstrap = bootstrap;
    this.#system = system;
    this.#protocol = protocol;
  }

  /** Watches one resource. What is known of it is told before this returns. */
  watch<T>(kind: ResourceKind<T>, name: string, watcher: ResourceWatcher<T>): ResourceWatch {
    return this.#table(kind).watch(name, watcher);
  }

  /** As `watch`, for whoever looks at what is known when anything has changed. */
  follow<T>(kind: ResourceKind<T>, name: string, onChange: () => void): Followed<T> {
    return new Followed(kind, name, (watcher) => this.watch(kind, name, watcher), onChange);
  }

  /** Watches all resources of a type that the server has for this node. */
  watchAll<T>(kind: ResourceKind<T>, watcher: WildcardWatcher<T>): ResourceWatch {
    return this.#table(kind).watchAll(watcher);
  }

  /** What is wrong with the way to the servers; null when nothing is. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Every resource that it watches, as it stands: types as they were first asked for. */
  status(): XdsClientStatus {
    const resources = [...this.#tables.values()].flatMap((table) => table.statuses());
    const node = nodeOf(this.bootstrap.node, this.#system.version);
    return { node, trouble: this.#trouble, resources };
  }

  /** Ends everything; no watcher is told of anything any more. Harmless when repeated. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#flush?.cancel();
    for (const { link } of this.#sessions) link.close();
    this.#sessions.length = 0;
    for (const table of this.#tables.values()) table.close();
  }

  #table<T>(kind: ResourceKind<T>): TypeTable<T> {
    let table = this.#tables.get(kind.typeUrl);
    if (table === undefined) {
      table = new TypeTable<unknown>(kind, this.#system.clock, this);
      if (this.#trouble !== null) table.setServerTrouble(this.#trouble);
      this.#tables.set(kind.typeUrl, table);
    }
    return table as TypeTable<T>;
  }

  // TableOwner

  /** All that one turn changes goes out at once. */
  onWanted(): void {
    if (this.#isClosed) return;
    this.#flush ??= this.#system.clock.setTimer(0, () => this.#onFlush());
  }

  #onFlush(): void {
    this.#flush = null;
    for (const table of this.#tables.values()) table.sweep();
    if (this.#sessions.length === 0) this.#addSession();
    for (const session of this.#sessions) this.#ask(session);
    const last = this.#sessions.at(-1)!;
    if (last.hasFailed) this.#fallBack(last);
  }

  #addSession(): void {
    const server = this.bootstrap.servers[this.#sessions.length]!;
    const node = nodeOf(this.bootstrap.node, this.#system.version);
    const dialect = this.#protocol === "sotw" ? new SotwDialect(node) : new DeltaDialect(node);
    const session = new Session(server, dialect, this.#system, this);
    this.#sessions.push(session);
    session.link.start();
  }

  /** Tells a server what is wanted, as far as it does not know it. */
  #ask(session: Session): void {
    const { link, dialect, server } = session;
    // While a fallback is in use, its answers are what is had: the server must say all it has.
    const isLast = session === this.#sessions.at(-1);
    for (const table of this.#tables.values()) {
      // The rest follows when the server has read what was sent.
      if (!link.canSend) return;
      const request = dialect.subscribe(table, () => (isLast ? table.versionsOf(dialect) : {}));
      if (request !== null) link.send(request);
      table.onAsked(server.timerIsTransient);
    }
  }

  // For sessions

  onStreamOpen(session: Session): void {
    this.#ask(session);
  }

  onWritable(session: Session): void {
    this.#ask(session);
  }

  onMessage(session: Session, message: Uint8Array): void {
    const response = session.dialect.decode(message);
    if (response === null) {
      session.link.refuse("the xDS server sent bytes that are no answer");
      return;
    }
    this.#onAnswered(session);
    const table = this.#tables.get(response.typeUrl);
    if (table === undefined) return; // of a type that nobody ever asked for
    const { dialect, server } = session;
    const isDelta = this.#protocol === "delta";
    const applied = table.apply(response, isDelta, server.failsOnDataErrors, dialect);
    const { problem } = applied;
    if (problem !== null) this.#tellNack(session, problem);
    session.acknowledge(response, problem, table);
    this.#judge(server, applied.isOfUse, problem);
    table.tell(applied);
  }

  #tellNack({ server }: Session, problem: string): void {
    this.#system.log.warn("xDS resources are refused; the last good ones stay", {
      server: server.uri,
      reason: problem,
    });
  }

  /** when the client receives a response from a higher priority server: it counts (A71). */
  #onAnswered(session: Session): void {
    const at = this.#sessions.indexOf(session);
    for (const { link } of this.#sessions.splice(at + 1)) link.close();
  }

  /** A server is back when something can be done with what it says. */
  #judge({ uri }: XdsServer, isOfUse: boolean, problem: string | null): void {
    if (isOfUse) this.#setTrouble(null);
    if (isOfUse || this.#trouble === null) return;
    const what = problem === null ? "has nothing of what is asked for" : `is refused: ${problem}`;
    this.#setTrouble(`xDS server ${uri}: its answer ${what}`);
  }

  onStreamEnded(session: Session, reason: string, wasAnswered: boolean): void {
    if (this.#sessions.at(-1) !== session) return;
    for (const table of this.#tables.values()) table.onStreamEnded();
    // "If the ADS stream is closed without ever having received a response ... connectivity error"
    if (wasAnswered) return;
    this.#setTrouble(`xDS server ${session.server.uri}: ${reason}`);
    this.#fallBack(session);
  }

  /**
   * "fallback iff both: primary server not reachable; at least one watcher exists for a resource
   * that is not cached" (A71).
   */
  #fallBack(session: Session): void {
    if (this.#isClosed || this.#sessions.at(-1) !== session) return;
    if (this.#sessions.length === this.bootstrap.servers.length) return;
    if (![...this.#tables.values()].some((table) => table.hasUnknown)) return;
    const next = this.bootstrap.servers[this.#sessions.length]!;
    this.#system.log.warn("xDS server is not reachable; the next one is asked", {
      server: session.server.uri,
      next: next.uri,
    });
    this.#addSession();
  }

  #setTrouble(reason: string | null): void {
    if (reason === this.#trouble) return;
    this.#trouble = reason;
    for (const table of [...this.#tables.values()]) table.setServerTrouble(reason);
  }
}
