/**
 * What changed from one endpoint set to the next: what the primary tells its workers, so that one
 * pod of ten thousand is one endpoint on the line and not all of them, whether it is used or a rule
 * leaves it out.
 *
 * Pure functions. A change is applied to the very set that it was made from.
 */
import type {
  Endpoint,
  EndpointSet,
  ServiceConfigResult,
  SkippedEndpoint,
} from "../../discovery/index.ts";

/** What changed from one list, sorted by address, to the next. */
interface ListChange<T> {
  /** Addresses of what is gone. */
  readonly gone: readonly string[];
  /** What is new or of which something changed, sorted by address. */
  readonly come: readonly T[];
}

/** Everything of the next set but what stays as it is. */
export interface SetChange {
  readonly endpoints: ListChange<Endpoint>;
  /** Null: the next set names none. */
  readonly skipped: ListChange<SkippedEndpoint> | null;
  /** Null: it is the same. It is large, and changes seldom. */
  readonly serviceConfig: { readonly value: ServiceConfigResult | null } | null;
  /** The next set without these. */
  readonly rest: Omit<EndpointSet, "endpoints" | "skipped" | "serviceConfig">;
}

/** What a list holds: how its items are told apart, and whether one stayed as it was. */
interface ItemKind<T> {
  addressOf(item: T): string;
  isSame(a: T, b: T): boolean;
}

// Resolvers keep the object of an endpoint that did not change.
const ENDPOINT: ItemKind<Endpoint> = {
  addressOf: ({ address }) => address,
  isSame: (a, b) => a === b,
};
const SKIPPED: ItemKind<SkippedEndpoint> = {
  addressOf: ({ endpoint }) => endpoint.address,
  isSame: (a, b) => a === b || (a.endpoint === b.endpoint && a.reason === b.reason),
};

/** The change that makes `after` of `before`. */
export function setChange(before: EndpointSet, after: EndpointSet): SetChange {
  const { endpoints, skipped, serviceConfig = null, ...rest } = after;
  const isSame = serviceConfig === (before.serviceConfig ?? null);
  return {
    endpoints: listChange(before.endpoints, endpoints, ENDPOINT),
    serviceConfig: isSame ? null : { value: serviceConfig },
    skipped: skipped === undefined ? null : listChange(before.skipped ?? [], skipped, SKIPPED),
    rest,
  };
}

/** The set that `change` makes of `before`. */
export function applySetChange(before: EndpointSet, change: SetChange): EndpointSet {
  const { skipped } = change;
  const endpoints = applyListChange(before.endpoints, change.endpoints, ENDPOINT);
  // The very object that it was: whoever applies it need not look into it again.
  const serviceConfig =
    change.serviceConfig === null ? before.serviceConfig : change.serviceConfig.value;
  const rest = serviceConfig === undefined ? change.rest : { ...change.rest, serviceConfig };
  if (skipped === null) return { ...rest, endpoints };
  return { ...rest, endpoints, skipped: applyListChange(before.skipped ?? [], skipped, SKIPPED) };
}

function listChange<T>(
  before: readonly T[],
  after: readonly T[],
  kind: ItemKind<T>,
): ListChange<T> {
  const { addressOf, isSame } = kind;
  // Two SRV records may lead to one address that is left out: then nothing tells the two apart.
  if (hasRepeats(before, kind) || hasRepeats(after, kind)) {
    return { gone: before.map(addressOf), come: after };
  }
  const gone: string[] = [];
  const come: T[] = [];
  let next = 0;
  for (const item of after) {
    const address = addressOf(item);
    while (next < before.length && addressOf(before[next]!) < address) {
      gone.push(addressOf(before[next++]!));
    }
    const known = before[next];
    if (known === undefined || addressOf(known) !== address) {
      come.push(item);
      continue;
    }
    next += 1;
    if (!isSame(known, item)) come.push(item);
  }
  return { gone: gone.concat(before.slice(next).map(addressOf)), come };
}

function hasRepeats<T>(list: readonly T[], { addressOf }: ItemKind<T>): boolean {
  return list.some((item, i) => i > 0 && addressOf(list[i - 1]!) === addressOf(item));
}

function applyListChange<T>(
  before: readonly T[],
  change: ListChange<T>,
  { addressOf }: ItemKind<T>,
): T[] {
  const gone = new Set(change.gone);
  const { come } = change;
  const list: T[] = [];
  let next = 0;
  for (const known of before) {
    const address = addressOf(known);
    while (next < come.length && addressOf(come[next]!) < address) list.push(come[next++]!);
    if (gone.has(address)) continue;
    if (next < come.length && addressOf(come[next]!) === address) list.push(come[next++]!);
    else list.push(known);
  }
  return list.concat(come.slice(next));
}
