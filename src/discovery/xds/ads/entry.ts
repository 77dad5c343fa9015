/**
 * One resource that somebody watches, as far as it is known: asked for, here, or not there.
 * gRFCs A53, A57 and A88 for what its watchers are told when something is wrong with it.
 */
import type { Clock, Timer } from "../../../base/index.ts";
import type {
  RefusedUpdate,
  ResourceState,
  ResourceStatus,
  ResourceWatch,
  ResourceWatcher,
} from "../resource.ts";
import type { Dialect } from "./dialect.ts";

/** "the client should wait 15 seconds": then a resource that was asked for does not exist. */
const DOES_NOT_EXIST_MS = 15_000;
/** "The timer will be set for 30 seconds instead of 15 seconds" where it tells of trouble (A88). */
const SLOW_SERVER_MS = 30_000;

/** See the head of this file. */
export class Entry<T> {
  readonly name: string;
  readonly #clock: Clock;
  readonly #watchers = new Set<ResourceWatcher<T>>();
  /** What holds; null when there is nothing. */
  value: T | null = null;
  /** As it came, to see whether it is the same again. */
  #bytes: Uint8Array | null = null;
  version = "";
  /** How it came: its version says something to that server only. */
  source: Dialect | null = null;
  /** Wall time at which `value` came; null without one. */
  #updatedMs: number | null = null;
  /** The newest one, when it was refused. */
  #refused: RefusedUpdate | null = null;
  /** An answer for its type came since it was asked for, and said nothing of it. */
  #isLeftOut = false;
  /** Why there is nothing; null when there is something, or it is not known yet. */
  #absentReason: string | null = null;
  /** What is wrong although there is something, or while it is not known. */
  #trouble: string | null = null;
  /** The trouble of the server as a whole. */
  #serverTrouble: string | null;
  #toldTrouble: string | null = null;
  #timer: Timer | null = null;

  /** @param serverTrouble see `setServerTrouble`. */
  constructor(name: string, clock: Clock, serverTrouble: string | null) {
    this.name = name;
    this.#clock = clock;
    this.#serverTrouble = serverTrouble;
  }

  /** Whether nobody watches it. */
  get isUnwatched(): boolean {
    return this.#watchers.size === 0;
  }

  /** Whether it is not known yet what it is. "does not exist" is known (A71). */
  get isUnknown(): boolean {
    return this.value === null && this.#absentReason === null;
  }

  /** One watcher more, who is told what is known before this returns. */
  watch(watcher: ResourceWatcher<T>): ResourceWatch {
    const own: ResourceWatcher<T> = {
      onResource: (value) => watcher.onResource(value),
      onAbsent: (reason) => watcher.onAbsent(reason),
      onTrouble: (reason) => watcher.onTrouble(reason),
    };
    this.#watchers.add(own);
    if (this.value !== null) own.onResource(this.value);
    else if (this.#absentReason !== null) own.onAbsent(this.#absentReason);
    const isOpen = () => this.#watchers.has(own);
    if (this.#toldTrouble !== null && isOpen()) own.onTrouble(this.#toldTrouble);
    return { close: () => this.#watchers.delete(own) };
  }

  /** The server was asked for it. @param isTransient see `XdsServer.timerIsTransient`. */
  onAsked(isTransient: boolean): void {
    if (!this.isUnknown || this.#timer !== null) return;
    const delayMs = isTransient ? SLOW_SERVER_MS : DOES_NOT_EXIST_MS;
    this.#timer = this.#clock.setTimer(delayMs, () => this.#onTimer(isTransient));
  }

  /** The stream is gone: what does not come on it is no sign of anything (A57). */
  stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#isLeftOut = false;
  }

  /** An answer for its type has nothing of it. It may still come. */
  onLeftOut(): void {
    this.#isLeftOut = true;
  }

  #onTimer(isTransient: boolean): void {
    this.#timer = null;
    if (isTransient) {
      this.#trouble = `no answer for it within ${SLOW_SERVER_MS / 1_000} s`;
      this.tellTrouble();
      return;
    }
    this.#absentReason = `the xDS server does not know it (${DOES_NOT_EXIST_MS / 1_000} s)`;
    this.tell();
  }

  /** A good one came. False when it is the one that there was. `tell` follows. */
  set(value: T, version: string, bytes: Uint8Array): boolean {
    this.stopTimer();
    this.version = version;
    this.#trouble = null;
    this.#refused = null;
    if (this.value !== null && this.#bytes !== null && isSame(this.#bytes, bytes)) return false;
    this.value = value;
    this.#bytes = new Uint8Array(bytes); // a copy: its message need not be kept for it
    this.#updatedMs = this.#clock.wallMs();
    this.#absentReason = null;
    return true;
  }

  /** One of this version came that cannot be used. See `#fail`. */
  refuse(reason: string, version: string, isDiscarded: boolean): boolean {
    this.#refused = { version, reason, atMs: this.#clock.wallMs() };
    return this.#fail(`the xDS server sent a bad one: ${reason}`, isDiscarded);
  }

  /** The server took it away. See `#fail`. */
  remove(isDiscarded: boolean): boolean {
    this.#refused = null;
    return this.#fail("the xDS server says that it does not exist", isDiscarded);
  }

  /**
   * What came is not to be used, or the server took it away. "By default, we will ignore the error
   * and continue using the cached version ... if this server feature is set, then we will instead
   * discard any previously cached version" (A88). False when what holds is the same.
   */
  #fail(reason: string, isDiscarded: boolean): boolean {
    this.stopTimer();
    if (this.value !== null && !isDiscarded) {
      this.#trouble = `${reason}; the last good one stays in use`;
      return false;
    }
    const isNews = this.value !== null || this.#absentReason !== reason;
    this.value = null;
    this.#bytes = null;
    this.#updatedMs = null;
    this.version = "";
    this.#trouble = null;
    this.#absentReason = reason;
    return isNews;
  }

  /** Trouble that is the server's; null: none. */
  setServerTrouble(reason: string | null): void {
    this.#serverTrouble = reason;
    this.tellTrouble();
  }

  /** Tells all watchers what holds. */
  tell(): void {
    for (const watcher of [...this.#watchers]) {
      if (!this.#watchers.has(watcher)) continue;
      if (this.value !== null) watcher.onResource(this.value);
      else if (this.#absentReason !== null) watcher.onAbsent(this.#absentReason);
    }
  }

  /** Tells all watchers of the trouble there is, if that changed. */
  tellTrouble(): void {
    const trouble = this.#trouble ?? this.#serverTrouble;
    if (trouble === this.#toldTrouble) return;
    this.#toldTrouble = trouble;
    for (const watcher of [...this.#watchers]) {
      if (this.#watchers.has(watcher)) watcher.onTrouble(trouble);
    }
  }

  /** For people and tools. @param kind of its table. */
  status(typeUrl: string, kind: string): ResourceStatus {
    return {
      ...{ typeUrl, kind, name: this.name, state: this.#state, version: this.version },
      ...{ updatedMs: this.#updatedMs, bytes: this.#bytes, refused: this.#refused },
      reason: this.#refused?.reason ?? this.#trouble ?? this.#absentReason ?? this.#waitReason(),
    };
  }

  get #state(): ResourceState {
    if (this.#refused !== null) return "NACKED";
    if (this.value !== null) return "ACKED";
    return this.#absentReason === null ? "REQUESTED" : "DOES_NOT_EXIST";
  }

  #waitReason(): string | null {
    if (this.value !== null) return null;
    if (this.#serverTrouble !== null) return this.#serverTrouble;
    return this.#isLeftOut
      ? "the xDS server has answered, and says nothing of it so far: it may know no such name, " +
          "which its log, or its list of nodes (fairlead proxy-status), would say"
      : "no answer for it yet";
  }

  /** Nobody is told of anything any more. */
  close(): void {
    this.stopTimer();
    this.#watchers.clear();
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
