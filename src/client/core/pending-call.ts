/**
 * A call that waits for its route, or for what its route leads to: what is sent of it is kept, and
 * goes on once it is known where to. From then on it only passes on.
 */
import type { Timer } from "../../base/index.ts";
import type { ClusterCall } from "../../cluster/index.ts";
import { Status } from "../../grpc/index.ts";
import { ErrorCode } from "../../http2/index.ts";
import type { PlacedRequest, Refusal, WireCall } from "./call-place.ts";

/** Where calls wait. */
export interface PendingOwner {
  /** It begins to wait; may end it at once. */
  onPending(call: PendingCall): void;
  onPendingOver(call: PendingCall): void;
  /** Calls `fn` when it is `atMs`. */
  setDeadline(atMs: number, fn: () => void): Timer;
}

/** See the head of this file. */
export class PendingCall implements WireCall {
  waitForReady = false;
  readonly request: PlacedRequest;
  /** Why it has to wait, as it was told last; null while that is not known. */
  waitsFor: string | null = null;
  readonly #owner: PendingOwner;
  #inner: WireCall | null = null;
  #chunks: { readonly bytes: Uint8Array; readonly isEnd: boolean }[] = [];
  #deadline: Timer | null = null;
  #isOver = false;

  constructor(request: PlacedRequest, owner: PendingOwner) {
    this.request = request;
    this.#owner = owner;
  }

  start(): void {
    const { deadlineMs } = this.request;
    if (deadlineMs !== Number.POSITIVE_INFINITY) {
      this.#deadline = this.#owner.setDeadline(deadlineMs, () =>
        this.fail("deadline", Status.DEADLINE_EXCEEDED, this.#lateReason()),
      );
    }
    this.#owner.onPending(this);
  }

  #lateReason(): string {
    const late = "deadline exceeded before routes came";
    return this.waitsFor === null ? late : `${late}: ${this.waitsFor}`;
  }

  /** Its place is known: it goes there, with all that was sent so far. */
  resolve(found: WireCall | Refusal): void {
    if (this.#isOver) return;
    if ("reason" in found) {
      this.waitsFor = found.reason;
      if (found.isPassing && this.waitForReady) return;
      this.fail("refused", found.status, found.reason);
      return;
    }
    this.#leave();
    this.#inner = found;
    found.waitForReady = this.waitForReady;
    found.start();
    const chunks = this.#chunks;
    this.#chunks = [];
    let left = 0;
    for (const { bytes, isEnd } of chunks) left += found.sendData(bytes, 0, bytes.length, isEnd);
    if (left > 0) this.request.call.onRequestWritable(left);
  }

  #leave(): void {
    this.#isOver = true;
    this.#deadline?.cancel();
    this.#owner.onPendingOver(this);
  }

  /** It goes nowhere. */
  fail(kind: "refused" | "deadline", status: Status, reason: string): void {
    if (this.#isOver) return;
    this.#leave();
    this.request.call.onFailed({ kind, code: ErrorCode.REFUSED_STREAM, status, reason });
  }

  sendData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    if (this.#inner !== null) return this.#inner.sendData(bytes, start, end, isEnd);
    if (this.#isOver) return end - start;
    // `slice` of a Buffer would be the same memory, which its owner uses again.
    this.#chunks.push({ bytes: new Uint8Array(bytes.subarray(start, end)), isEnd });
    return 0;
  }

  cancel(code: ErrorCode): void {
    if (this.#inner !== null) this.#inner.cancel(code);
    else if (!this.#isOver) this.#leave();
  }

  credit(bytes: number): void {
    this.#inner?.credit(bytes);
  }

  /** Routes say what its settings are: nothing comes late. */
  reconfigure(): ClusterCall | null {
    return null;
  }

  get subchannel() {
    return this.#inner?.subchannel ?? null;
  }

  get address(): string | null {
    return this.#inner?.address ?? null;
  }

  get socket() {
    return this.#inner?.socket ?? null;
  }
}
