/**
 * How requests change a subscription: the rules of both protocols.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol ("ACK/NACK and resource type
 * instance version", "How the client specifies what resources to return", "Incremental xDS")
 *
 * Pure: nothing is sent here.
 */
import { RESOURCE_TYPES } from "../../xds/index.ts";
import { NAME_CHARS_MAX, SUBSCRIBED_NAMES_MAX } from "./limits.ts";
import { type Subscription, WILDCARD } from "./subscription.ts";

/** Types whose first request means everything when it names nothing. */
const LEGACY_WILDCARD: ReadonlySet<string> = new Set([RESOURCE_TYPES.LDS, RESOURCE_TYPES.CDS]);

/** Why a request is refused; "" when it is not. */
export type Problem = string;

/** What a request of the state of the world says of names: the whole list, each time. */
export function applySotwNames(subscription: Subscription, names: readonly string[]): Problem {
  const problem = namesProblem(names);
  if (problem !== "") return problem;
  const wanted = new Set(names);
  const isWildcard = wanted.delete(WILDCARD) || isLegacyWildcard(subscription, names);
  const isFirst = subscription.lastNonce === "" && !subscription.hasNamed;
  if (names.length > 0) subscription.hasNamed = true;
  const had = subscription.isWildcard;
  subscription.isWildcard = isWildcard;
  const known = new Set(subscription.names);
  // Without a wildcard the node has dropped what it did not name.
  if (had && !isWildcard) for (const name of subscription.sent.keys()) known.add(name);
  for (const name of known) if (!wanted.has(name)) forgetName(subscription, name);
  let isMore = isWildcard && !had;
  if (isMore) subscription.isAllDirty = true;
  for (const name of wanted) {
    if (subscription.names.has(name)) continue;
    subscription.addName(name);
    isMore = true;
  }
  if (subscription.isComplete && (isMore || isFirst)) subscription.mustAnswer = true;
  if (isWildcard && !had) subscription.mustAnswer = true;
  return "";
}

/** "the resource is in the wildcard set" may still hold of a name that is named no more. */
function forgetName(subscription: Subscription, name: string): void {
  if (!subscription.isWildcard) subscription.forget(name);
  else if (subscription.names.delete(name)) subscription.dirty.add(name);
}

/** "if the client has never explicitly subscribed to any resource of that type on that stream" */
function isLegacyWildcard(subscription: Subscription, names: readonly string[]): boolean {
  return names.length === 0 && !subscription.hasNamed && LEGACY_WILDCARD.has(subscription.type);
}

/** What an incremental request says of names. */
export interface DeltaNames {
  readonly resourceNamesSubscribe: readonly string[];
  readonly resourceNamesUnsubscribe: readonly string[];
  readonly initialResourceVersions: Readonly<Record<string, string>>;
}

/** Applies it. @param isFirst the first request of its type on the stream. */
export function applyDeltaNames(
  subscription: Subscription,
  request: DeltaNames,
  isFirst: boolean,
): Problem {
  const { resourceNamesSubscribe: added, resourceNamesUnsubscribe: removed } = request;
  const initial = Object.entries(request.initialResourceVersions);
  // Each list by itself: a node that comes back with all its names has versions of them as well.
  const problem =
    namesProblem(added) || namesProblem(removed) || namesProblem(initial.map(([name]) => name));
  if (problem !== "") return problem;
  if (isFirst) for (const [name, version] of initial) subscription.initial.set(name, version);
  if (isFirst && added.length === 0 && LEGACY_WILDCARD.has(subscription.type)) {
    startWildcard(subscription);
  }
  for (const name of added) {
    if (name === WILDCARD) startWildcard(subscription);
    else subscription.addName(name);
  }
  for (const name of removed) {
    if (name === WILDCARD) endWildcard(subscription);
    else unsubscribe(subscription, name);
  }
  if (subscription.names.size > SUBSCRIBED_NAMES_MAX) return tooMany(subscription.names.size);
  return "";
}

function startWildcard(subscription: Subscription): void {
  subscription.isWildcard = true;
  subscription.isAllDirty = true;
  subscription.mustAnswer = true;
}

function endWildcard(subscription: Subscription): void {
  if (!subscription.isWildcard) return;
  subscription.isWildcard = false;
  for (const name of [...subscription.sent.keys()]) {
    if (!subscription.names.has(name)) subscription.forget(name);
  }
}

/**
 * With a wildcard, "the server must" say of a name that is unsubscribed what has become of it: "the
 * resource", or that it is removed.
 */
function unsubscribe(subscription: Subscription, name: string): void {
  if (!subscription.isWildcard) {
    subscription.forget(name);
    return;
  }
  if (!subscription.names.delete(name)) return;
  subscription.dirty.add(name);
  subscription.forced.add(name);
}

function namesProblem(names: readonly string[]): Problem {
  if (names.length > SUBSCRIBED_NAMES_MAX) return tooMany(names.length);
  for (const name of names) {
    if (name === "") return "an empty resource name";
    if (name.length > NAME_CHARS_MAX) {
      return `a resource name of ${name.length} characters: at most ${NAME_CHARS_MAX} are allowed`;
    }
  }
  return "";
}

function tooMany(count: number): Problem {
  return `${count} resource names: at most ${SUBSCRIBED_NAMES_MAX} are allowed`;
}
