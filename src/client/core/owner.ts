/** What a call needs of the channel that made it. */
import type { Timer } from "../../base/index.ts";
import type { Field } from "../../http2/index.ts";
import type { ClientCall } from "./call.ts";
import type { WireCall } from "./call-place.ts";

/** Implemented by `ClientChannel`. */
export interface CallOwner {
  /**
   * The cluster's call with its request headers; null when there is none any more: the call has
   * been ended with the reason.
   */
  open(call: ClientCall, metadata: readonly Field[] | null): WireCall | null;
  /** No endpoint has it yet; `metadata` is what it was started with. */
  onWaiting(call: ClientCall, metadata: readonly Field[] | null): void;
  onEnded(call: ClientCall): void;
  /**
   * It has ended on the wire, and some messages wait for their reader, up to the deadline: what
   * calls `onUnreadTooLong` then; null without a deadline.
   */
  onUnread(call: ClientCall): Timer | null;
  nowMs(): number;
}
