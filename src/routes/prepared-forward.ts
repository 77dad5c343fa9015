/**
 * A route made ready for calls: its header changes, once for each of its clusters, and the policies
 * of its calls. Made when the first call takes it.
 */

import type { Rng } from "../base/index.ts";
import type { MethodConfig } from "../grpc/index.ts";
import { HeaderChanger, joinChanges } from "./change-headers.ts";
import { chooseCluster } from "./choose.ts";
import type { ForwardAction, HeaderChange, Route, WeightedCluster } from "./table.ts";

/** One of the clusters of a route, with what is changed on the way to it and back. */
export interface PreparedCluster {
  readonly name: string;
  readonly request: HeaderChanger | null;
  readonly response: HeaderChanger | null;
}

const NO_METHOD: MethodConfig = Object.freeze({
  waitForReady: null,
  timeoutMs: null,
  maxRequestBytes: null,
  maxResponseBytes: null,
  retryPolicy: null,
  hedgingPolicy: null,
});

/** What a field name may be made of. RFC 9110 §5.6.2. */
const TOKEN = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
/** Names that HTTP/2 has its own use for, or that say how long the rest is. */
const OURS = new Set([
  ...["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te"],
  ...["host", "content-length", "grpc-timeout"],
]);

/** Whether a filter may touch a header of this name, and it can have this value. */
export function mayChange(name: string, value: string): boolean {
  // RFC 9113 §8.2.1: neither NUL, CR and LF nor white space at its ends.
  const isValue = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
  return TOKEN.test(name) && !OURS.has(name) && isValue.test(value);
}

function changerOf(outer: HeaderChange | null, inner: HeaderChange | null): HeaderChanger | null {
  const joined = joinChanges(outer, inner);
  if (joined === null) return null;
  const isGood = ([name, value]: readonly [string, string]): boolean => mayChange(name, value);
  return new HeaderChanger({
    set: joined.set.filter(isGood),
    add: joined.add.filter(isGood),
    remove: joined.remove.filter((name) => mayChange(name, "")),
  });
}

/** See the head of this file. */
export class PreparedForward {
  readonly route: Route;
  readonly action: ForwardAction;
  readonly #attemptsMax: number;
  readonly #byCluster = new Map<WeightedCluster, PreparedCluster>();
  /** With the retry policy of the route, by what the service config says. */
  readonly #methods = new WeakMap<MethodConfig, MethodConfig>();

  /** @param attemptsMax bounds what retry policies ask for; 1: there are none. */
  constructor(route: Route, action: ForwardAction, attemptsMax = Number.POSITIVE_INFINITY) {
    this.route = route;
    this.action = action;
    this.#attemptsMax = attemptsMax;
    for (const each of action.clusters) {
      this.#byCluster.set(each, {
        name: each.cluster,
        request: changerOf(action.request, each.request),
        response: changerOf(action.response, each.response),
      });
    }
  }

  /** One of its clusters, each as often as its weight says. */
  choose(rng: Rng): PreparedCluster {
    return this.#byCluster.get(chooseCluster(this.action, rng))!;
  }

  /** What holds for a call of gRPC: the retry policy of the route goes before (A44). */
  methodOf<T extends MethodConfig | null>(config: T): MethodConfig | T {
    const { retryPolicy } = this.action;
    if (retryPolicy === null || this.#attemptsMax <= 1) return config;
    const base = config ?? NO_METHOD;
    let made = this.#methods.get(base);
    if (made === undefined) {
      const maxAttempts = Math.min(retryPolicy.maxAttempts, this.#attemptsMax);
      made = { ...base, retryPolicy: { ...retryPolicy, maxAttempts }, hedgingPolicy: null };
      this.#methods.set(base, made);
    }
    return made;
  }
}
