/**
 * The query of a list or watch: text to one checked value. Rules and words are those of
 * ValidateListOptions in apimachinery (internalversion/validation).
 */
import { forbiddenField, notSupported } from "./causes.ts";
import type { Resource } from "./resources.ts";
import { everything, parseFieldSelector, parseLabelSelector, type Selector } from "./selector.ts";
import { ApiError, badRequest, type Cause, invalid } from "./status.ts";

/** A list or watch, as it is asked for. */
export interface ListOptions {
  readonly isWatch: boolean;
  /** Null when not given. */
  readonly resourceVersion: number | null;
  /** "" when not given. */
  readonly match: "" | "Exact" | "NotOlderThan";
  /** Objects a page; 0 for all. */
  readonly limit: number;
  readonly continueToken: string;
  readonly selector: Selector;
  /** Whether the selector selects everything. */
  readonly isWhole: boolean;
  /** Null when not given. */
  readonly timeoutSeconds: number | null;
  readonly allowWatchBookmarks: boolean;
  /** Null when not given. */
  readonly sendInitialEvents: boolean | null;
}

/**
 * Reads a query. Throws 400 and 422.
 *
 * @param hasStreamingList false for a server with the WatchList feature gate off.
 */
export function parseListOptions(
  query: URLSearchParams,
  resource: Resource,
  hasStreamingList: boolean,
): ListOptions {
  const text = (name: string): string => query.get(name) ?? "";
  const isWatch = isTrue(text("watch"));
  const sendInitialEvents = query.has("sendInitialEvents")
    ? isTrue(text("sendInitialEvents"))
    : null;
  const match = text("resourceVersionMatch");
  const causes = isWatch
    ? watchCauses(query, match, hasStreamingList)
    : listCauses(query, match, sendInitialEvents);
  if (causes.length > 0) throw invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", causes);
  const label = parseLabelSelector(text("labelSelector"));
  const field = parseFieldSelector(text("fieldSelector"), resource.kind);
  const isWhole = label === everything && field === everything;
  return {
    isWatch,
    resourceVersion: revisionOf(text("resourceVersion"), isWatch),
    match: match as ListOptions["match"],
    limit: numberOf(text("limit")) ?? 0,
    continueToken: text("continue"),
    selector: isWhole ? everything : (object) => label(object) && field(object),
    isWhole,
    timeoutSeconds: numberOf(text("timeoutSeconds")),
    allowWatchBookmarks: isTrue(text("allowWatchBookmarks")),
    sendInitialEvents,
  };
}

const MATCH = "resourceVersionMatch";

function listCauses(
  query: URLSearchParams,
  match: string,
  sendInitialEvents: boolean | null,
): Cause[] {
  const causes: Cause[] = [];
  const version = query.get("resourceVersion") ?? "";
  const forbid = (detail: string): number => causes.push(forbiddenField(MATCH, detail));
  if (match !== "") {
    if (version === "") forbid(`${MATCH} is forbidden unless resourceVersion is provided`);
    if (query.get("continue")) forbid(`${MATCH} is forbidden when continue is provided`);
    if (match !== "Exact" && match !== "NotOlderThan") {
      causes.push(notSupported(MATCH, match, ["Exact", "NotOlderThan", ""]));
    }
    if (match === "Exact" && version === "0") {
      forbid(`${MATCH} "exact" is forbidden for resourceVersion "0"`);
    }
  }
  if (sendInitialEvents !== null) {
    const detail = "sendInitialEvents is forbidden for list";
    causes.push(forbiddenField("sendInitialEvents", detail));
  }
  return causes;
}

function watchCauses(query: URLSearchParams, match: string, hasStreamingList: boolean): Cause[] {
  const causes: Cause[] = [];
  const forbid = (detail: string): number => causes.push(forbiddenField(MATCH, detail));
  const asksForInitial = query.has("sendInitialEvents");
  if (asksForInitial) {
    if (match !== "NotOlderThan") {
      forbid(`sendInitialEvents requires setting ${MATCH} to NotOlderThan`);
    }
    if (!hasStreamingList) {
      const detail =
        "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";
      causes.push(forbiddenField("sendInitialEvents", detail));
    }
  }
  if (match !== "") {
    if (!asksForInitial) {
      forbid(`${MATCH} is forbidden for watch unless sendInitialEvents is provided`);
    }
    if (match !== "NotOlderThan") causes.push(notSupported(MATCH, match, ["NotOlderThan"]));
    if (query.get("continue")) forbid(`${MATCH} is forbidden when continue is provided`);
  }
  return causes;
}

/** As Go's ParseBool takes it, and the empty value of a flag that is only named. */
function isTrue(text: string): boolean {
  return /^(1|t|T|true|TRUE|True)$/.test(text);
}

function revisionOf(text: string, isWatch: boolean): number | null {
  if (text === "") return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const reason = `strconv.ParseUint: parsing "${text}": invalid syntax`;
  const message = `resourceVersion: Invalid value: "${text}": ${reason}`;
  // The real server answers a watch so.
  if (isWatch) throw new ApiError(500, "", message);
  throw badRequest(`invalid resource version: ${message}`);
}

function numberOf(text: string): number | null {
  if (text === "") return null;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
}
