/**
 * Status objects: how the Kubernetes API says what went wrong, in bodies and in watches.
 *
 * "API Conventions", "Response Status Kind". They are JSON of a peer and may be anything.
 */
import { cut, isJsonObject } from "../../../../base/index.ts";
import { type ApiFailure, newFailure } from "./failure.ts";

/** The longest that a server's `Retry-After` is heeded: it cannot send us away for hours. */
export const RETRY_AFTER_MS_MAX = 60_000;
/** Texts of an API server that are told to people are cut to this length. */
export const MESSAGE_CHARS_MAX = 300;

/**
 * A Status object as a failure.
 * @param httpStatus when it came as the body of an answer; 0 in a watch, where it says it itself.
 */
export function failureOfStatus(value: unknown, httpStatus: number): ApiFailure {
  const status = isJsonObject(value) && value.kind === "Status" ? value : {};
  const code = typeof status.code === "number" ? status.code : 0;
  const details = isJsonObject(status.details) ? status.details : {};
  const retryS = typeof details.retryAfterSeconds === "number" ? details.retryAfterSeconds : 0;
  const text = isText(status.message) ? `: ${cleanText(status.message)}` : "";
  return newFailure({
    status: httpStatus || code,
    code: isText(status.reason) ? status.reason : "",
    reason: `the API server answers ${httpStatus || code || "with an error"}${text}`,
    retryAfterMs: heededMs(retryS),
  });
}

/** How long a server is not asked that wants to be left alone for so many seconds. */
export function heededMs(retryAfterS: number): number {
  return Math.min(Math.max(0, retryAfterS) * 1000, RETRY_AFTER_MS_MAX);
}

/** A Status object whose message went through `clean`: before it is cut. Others as they are. */
export function cleanStatus(value: unknown, clean: (text: string) => string): unknown {
  if (!isJsonObject(value) || !isText(value.message)) return value;
  return { ...value, message: clean(value.message) };
}

/** A text of a peer, fit for a line of a log. */
export function cleanText(text: string): string {
  // Controls, and what turns the direction of writing or breaks lines without being one.
  return cut(text, MESSAGE_CHARS_MAX).replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ");
}

/** Whether a JSON value is a text with something in it. */
export function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
