/**
 * Hostnames of the Gateway API, and how they lie within each other: "a.b", "*.b" for one or more
 * labels before it, and "*" for any (which the API says by leaving a hostname out).
 */

/** Any host. */
export const ANY_HOST = "*";

/**
 * What both stand for, which is always one of both, or null when that is nothing: "*.example.com"
 * and "*.com" have "*.example.com" in common, "example.com" and "*.example.com" nothing.
 */
export function intersectHostnames(a: string, b: string): string | null {
  if (isWithin(a, b)) return a;
  return isWithin(b, a) ? b : null;
}

/** Whether each host of `inner` is one of `outer`. */
export function isWithin(inner: string, outer: string): boolean {
  if (outer === ANY_HOST || inner === outer) return true;
  return outer.startsWith("*.") && inner !== ANY_HOST && inner.endsWith(outer.slice(1));
}

/** A hostname and all wider ones, the narrowest first: "a.b.c", "*.b.c", "*.c", "*". */
export function widenings(hostname: string): string[] {
  const all = [hostname];
  let rest = hostname.startsWith("*.") ? hostname.slice(2) : hostname;
  for (let dot = rest.indexOf("."); dot !== -1; dot = rest.indexOf(".")) {
    rest = rest.slice(dot + 1);
    all.push(`*.${rest}`);
  }
  if (hostname !== ANY_HOST) all.push(ANY_HOST);
  return all;
}
