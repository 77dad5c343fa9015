/**
 * One attempt of a hedged call: an ordinary call whose events go to the hedged one, with its name
 * on them.
 */

import type { Status } from "../grpc/index.ts";
import type { ErrorCode, HeaderList } from "../http2/index.ts";
import { type AttemptPlan, NO_RETRY } from "./attempt-plan.ts";
import type { Call } from "./call.ts";
import type { CallEvents, CallFailure } from "./call-events.ts";
import type { Subchannel } from "./subchannel.ts";

/** What an attempt tells: each event with the attempt that it is of. */
export interface HedgeAttemptOwner {
  /** Endpoints that any of the attempts had. */
  readonly tried: Subchannel[];
  /** One has its endpoint, and what there is of the request was sent there. */
  onAttemptPlaced(nowMs: number): void;
  onAttemptResponse(attempt: HedgeAttempt, list: HeaderList, isEnd: boolean): void;
  onAttemptInformational(attempt: HedgeAttempt, list: HeaderList): void;
  onAttemptData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number;
  onAttemptTrailers(list: HeaderList): void;
  /** More of the request has left with this attempt. */
  onAttemptSent(attempt: HedgeAttempt): void;
  onAttemptStopped(code: ErrorCode): void;
  onAttemptFailed(attempt: HedgeAttempt, failure: CallFailure): void;
  /** How it ended, for the count of tokens; before its event. */
  onAttemptStatus(status: Status, last: HeaderList | null): void;
  onAttemptOver(attempt: HedgeAttempt): void;
}

/** See the head of this file. */
export class HedgeAttempt implements CallEvents, AttemptPlan {
  readonly isPart = true;
  readonly previous: number;
  readonly tried: Subchannel[];
  /** Request bytes that left with it, or are of no interest any more. */
  sentBytes = 0;
  /** It has room among the retries in flight; see `Retries.tryTake`. */
  hasRoom = false;
  /** Its call is over. */
  isOver = false;
  readonly #owner: HedgeAttemptOwner;
  #call: Call | null = null;

  constructor(owner: HedgeAttemptOwner, previous: number) {
    this.#owner = owner;
    this.previous = previous;
    this.tried = owner.tried;
  }

  /** Its call; set by `join`. */
  get call(): Call {
    return this.#call!;
  }

  /** Joins the call, before it is started. */
  join(call: Call): void {
    this.#call = call;
    call.plan = this;
  }

  /** Sends request bytes with it. */
  send(bytes: Uint8Array, start: number, end: number, isEnd: boolean): void {
    // What is reported meanwhile must not be lost.
    const left = this.call.sendData(bytes, start, end, isEnd);
    this.sentBytes += left;
  }

  // AttemptPlan

  onPlaced(nowMs: number): void {
    this.#owner.onAttemptPlaced(nowMs);
  }

  onAttemptEnded(status: Status, last: HeaderList | null): number {
    this.#owner.onAttemptStatus(status, last);
    return NO_RETRY;
  }

  onBackoffOver(): void {}

  onCommitted(): void {}

  onOver(): void {
    this.isOver = true;
    this.#owner.onAttemptOver(this);
  }

  // CallEvents

  onResponse(list: HeaderList, isEnd: boolean): void {
    this.#owner.onAttemptResponse(this, list, isEnd);
  }

  onInformational(list: HeaderList): void {
    this.#owner.onAttemptInformational(this, list);
  }

  onResponseData(bytes: Uint8Array, start: number, end: number, isEnd: boolean): number {
    return this.#owner.onAttemptData(bytes, start, end, isEnd);
  }

  onResponseTrailers(list: HeaderList): void {
    this.#owner.onAttemptTrailers(list);
  }

  onRequestWritable(bytes: number): void {
    this.sentBytes += bytes;
    this.#owner.onAttemptSent(this);
  }

  onRequestStopped(code: ErrorCode): void {
    this.#owner.onAttemptStopped(code);
  }

  onFailed(failure: CallFailure): void {
    this.#owner.onAttemptFailed(this, failure);
  }
}
