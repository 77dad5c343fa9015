/**
 * What makes a call impossible before it begins: a deadline, a method path or a host that no header
 * could carry. Such a call ends at once with a status; a stub that made it hears nothing thrown.
 */
import { Status } from "../../grpc/index.ts";

/** RFC 9113 §8.3.1: ":path" begins with "/"; nothing but visible ASCII is in an URI (RFC 3986). */
const PATH = /^\/[!-~]*$/;
/** RFC 9110 §7.2, without what only whole URIs have. */
const AUTHORITY = /^[!-~]+$/;

/** The status that such a call ends with; null when nothing is wrong. */
export function callProblem(
  path: string,
  atMs: number,
  host: string | null | undefined,
): { readonly code: Status; readonly details: string } | null {
  if (Number.isNaN(atMs)) {
    return { code: Status.DEADLINE_EXCEEDED, details: "the deadline is not a time" };
  }
  if (!PATH.test(path)) {
    const details = `the method path ${shown(path)} must begin with "/" and be of visible ASCII`;
    return { code: Status.INTERNAL, details };
  }
  if (host === null || host === undefined) return null;
  if (typeof host === "string" && AUTHORITY.test(host)) return null;
  const details = `the host ${shown(host)} must be a name of visible ASCII, not empty`;
  return { code: Status.INTERNAL, details };
}

/** As JSON, which shows control characters; cut, since a path may be anything. */
function shown(value: unknown): string {
  return typeof value === "string"
    ? JSON.stringify(value.slice(0, 100))
    : `of type ${typeof value}`;
}
