/**
 * Copies of requests for clusters whose answers nobody waits for (Gateway API RequestMirror).
 *
 * A copy never delays or fails the call that it is of: what its cluster does not take is held, up
 * to a bound, and beyond it the copy is dropped. Each is counted by what became of it.
 */
import type { CallEvents, Cluster, ClusterCall } from "../../cluster/index.ts";
import { ErrorCode, type HeaderList } from "../../http2/index.ts";
import type { Counter, Registry } from "../../telemetry/index.ts";

/** Copies in flight; a call beyond it gets none. */
export const MIRROR_CALLS_MAX = 1_024;
/** Request bytes held for one copy. */
export const MIRROR_BYTES_MAX = 65_536;
/** Request bytes held for all copies of a proxy. */
const MIRROR_BYTES_TOTAL_MAX = 16_777_216;
/** How long a copy may go on when the call that it is of is over. */
export const MIRROR_GRACE_MS = 15_000;

/**
 * `answered`: whatever the answer says; `failed`: without one; `dropped`: there are too many, or
 * too much is held; `cut`: its call ended before its request did, or it took too long.
 */
const OUTCOMES = ["answered", "failed", "dropped", "cut"] as const;
type Outcome = (typeof OUTCOMES)[number];

/** All copies of a proxy. */
export class Mirrors {
  readonly #open = new Set<MirrorCall>();
  readonly #counters: Readonly<Record<Outcome, Counter>>;
  /** Request bytes that are held for copies. */
  heldBytes = 0;

  constructor(registry: Registry) {
    const name = "fairlead_mirrored_calls_total";
    const help = "Copies of calls that ended, by what became of them.";
    const pairs = OUTCOMES.map((outcome) => [outcome, registry.counter(name, help, { outcome })]);
    this.#counters = Object.fromEntries(pairs) as Record<Outcome, Counter>;
    registry.gauge("fairlead_mirrored_calls", "Copies of calls in flight.", {}, () => {
      return this.#open.size;
    });
    registry.gauge("fairlead_mirror_held_bytes", "Request bytes held for copies.", {}, () => {
      return this.heldBytes;
    });
  }

  /** How many are in flight. */
  get size(): number {
    return this.#open.size;
  }

  /** Begins a copy; null: there are too many. */
  start(
    cluster: Cluster,
    list: HeaderList,
    isEnd: boolean,
    deadlineMs: number,
    nowMs: number,
  ): MirrorCall | null {
    if (this.#open.size >= MIRROR_CALLS_MAX) {
      this.#counters.dropped.add();
      return null;
    }
    const mirror = new MirrorCall(this);
    this.#open.add(mirror);
    mirror.begin(cluster.call(list, isEnd, mirror, deadlineMs, nowMs), isEnd);
    return mirror;
  }

  /** A copy is over. */
  onOver(mirror: MirrorCall, outcome: Outcome): void {
    this.#open.delete(mirror);
    this.#counters[outcome].add();
  }

  /** About once a second. */
  onTick(nowMs: number): void {
    for (const mirror of this.#open) mirror.onTick(nowMs);
  }

  /** Ends all. */
  close(): void {
    for (const mirror of this.#open) mirror.cut("cut");
  }
}

/** One copy. */
export class MirrorCall implements CallEvents {
  readonly #owner: Mirrors;
  #call: ClusterCall | null = null;
  #heldBytes = 0;
  #isRequestEnded = false;
  #isOver = false;
  /** When its call ended; -1: it has not. */
  #sinceMs = -1;
  #isMainOver = false;

  constructor(owner: Mirrors) {
    this.#owner = owner;
  }

  /** Its call, which is started. */
  begin(call: ClusterCall, isEnd: boolean): void {
    this.#call = call;
    this.#isRequestEnded = isEnd;
    call.start();
  }

  /** Request bytes[start, end), which are read before this returns. */
  sendData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): void {
    if (this.#isOver) return;
    this.#isRequestEnded = isEnd;
    const taken = this.#call!.sendData(bytes, start, end, isEnd);
    this.#hold(end - start - taken);
    const isTooMuch = this.#heldBytes > MIRROR_BYTES_MAX;
    if (isTooMuch || this.#owner.heldBytes > MIRROR_BYTES_TOTAL_MAX) this.cut("dropped");
  }

  /** Request trailers. */
  sendTrailers(list: HeaderList): void {
    if (this.#isOver) return;
    this.#isRequestEnded = true;
    this.#call!.sendTrailers(list);
  }

  /**
   * The call that it is of is over: without the rest of the request there is nothing to wait for.
   */
  onMainOver(): void {
    this.#isMainOver = true;
    if (!this.#isRequestEnded) this.cut("cut");
  }

  onTick(nowMs: number): void {
    if (!this.#isMainOver) return;
    if (this.#sinceMs < 0) this.#sinceMs = nowMs;
    else if (nowMs - this.#sinceMs >= MIRROR_GRACE_MS) this.cut("cut");
  }

  /** Ends it. */
  cut(outcome: Outcome): void {
    this.#end(outcome);
  }

  #hold(bytes: number): void {
    if (this.#isOver) return;
    this.#heldBytes += bytes;
    this.#owner.heldBytes += bytes;
  }

  #end(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#hold(-this.#heldBytes);
    this.#isOver = true;
    // Of one that was answered early, too: the rest of the request is not sent any more, and its
    // stream would stay open for it.
    this.#call!.cancel(ErrorCode.CANCEL);
    this.#owner.onOver(this, outcome);
  }

  // CallEvents: what comes is of no interest.

  onResponse(_list: HeaderList, isEnd: boolean): void {
    if (isEnd) this.#end("answered");
  }

  onInformational(): void {}

  onResponseData(_bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    if (isEnd) this.#end("answered");
    return end - start;
  }

  onResponseTrailers(): void {
    this.#end("answered");
  }

  onRequestWritable(bytes: number): void {
    this.#hold(-bytes);
  }

  onRequestStopped(): void {
    this.#end("answered");
  }

  onFailed(): void {
    this.#end("failed");
  }
}
