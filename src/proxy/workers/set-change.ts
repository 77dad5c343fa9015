/**
 * What changed from one endpoint set to the next: what the primary tells its workers, so that one
 * pod of ten thousand is one endpoint on the line and not all of them.
 *
 * Pure functions. A change is applied to the very set that it was made from.
 */
import type { Endpoint, EndpointSet } from "../../discovery/index.ts";

/** Everything of the next set but the endpoints that stay as they are. */
export interface SetChange {
  /** Addresses of endpoints that are gone. */
  readonly gone: readonly string[];
  /** Endpoints that are new or of which something changed, sorted by address. */
  readonly come: readonly Endpoint[];
  /** The next set without its endpoints. */
  readonly rest: Omit<EndpointSet, "endpoints">;
}

/** The change that makes `after` of `before`. */
export function setChange(before: EndpointSet, after: EndpointSet): SetChange {
  const { endpoints, ...rest } = after;
  const gone: string[] = [];
  const come: Endpoint[] = [];
  let next = 0;
  for (const endpoint of endpoints) {
    next = passSmaller(before.endpoints, next, endpoint.address, gone);
    const known = before.endpoints[next];
    if (known?.address === endpoint.address) next += 1;
    // Resolvers keep the object of what did not change.
    if (known !== endpoint) come.push(endpoint);
  }
  passSmaller(before.endpoints, next, null, gone);
  return { gone, come, rest };
}

/** Notes as gone what stands before `address` (null: all). Returns the place behind. */
function passSmaller(
  list: readonly Endpoint[],
  from: number,
  address: string | null,
  gone: string[],
): number {
  let at = from;
  while (at < list.length && (address === null || list[at]!.address < address)) {
    gone.push(list[at]!.address);
    at += 1;
  }
  return at;
}

/** The set that `change` makes of `before`. */
export function applySetChange(before: EndpointSet, change: SetChange): EndpointSet {
  const gone = new Set(change.gone);
  const { come } = change;
  const endpoints: Endpoint[] = [];
  let next = 0;
  for (const known of before.endpoints) {
    while (next < come.length && come[next]!.address < known.address) endpoints.push(come[next++]!);
    if (gone.has(known.address)) continue;
    if (come[next]?.address === known.address) endpoints.push(come[next++]!);
    else endpoints.push(known);
  }
  endpoints.push(...come.slice(next));
  return { ...change.rest, endpoints };
}
