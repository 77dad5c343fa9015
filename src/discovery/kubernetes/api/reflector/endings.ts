/**
 * Ends of lists and watches that no answer of the server tells: what the reflector makes of what
 * came, or did not come, as failures like those of the transport.
 */
import { type ApiFailure, newFailure } from "../http/failure.ts";
import { STABLE_MS } from "./backoff.ts";
import { LIST_SILENT } from "./watch-session.ts";

/** A list that takes longer is reported; a streaming one is begun again in pages. */
export const LIST_TOLD_MS = 60_000;

/** A streaming list that ends in order, and before its end. */
export const LIST_ENDED_EARLY = newFailure({ reason: "the API server ended a list early" });
/** A list that comes, but does not come to its end. */
export const LIST_SLOW = newFailure({
  code: LIST_SILENT,
  reason: `the API server does not end a list within ${LIST_TOLD_MS / 1000} s`,
});
/** Watches that end in order, again and again, as soon as they stand. */
export const ENDED_EARLY = newFailure({
  reason: `the API server ends each watch within ${STABLE_MS / 1000} s`,
});
/** Only a list can tell the truth. */
export const OUT_OF_ORDER = newFailure({ reason: "events of the API server are out of order" });
/** A bookmark from a server that does not know streaming lists. */
export const NO_STREAM_LIST = newFailure({ reason: "the bookmark is no list's end" });

/**
 * Whether a server has no streaming lists.
 *
 * 400 and 422: "sendInitialEvents is forbidden ... unless the WatchList feature is enabled".
 */
export function isNoStreamList(failure: ApiFailure): boolean {
  return failure.status === 400 || failure.status === 422 || failure === NO_STREAM_LIST;
}
