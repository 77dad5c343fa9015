/**
 * The resolver of `kubernetes` targets: watches a Service's slices, the Service where that is
 * allowed, and the Node that we run on for its zone; yields what the model makes of them.
 *
 * Nothing is yielded before all slices are known, and the Service is known or known to be
 * unreadable: a set that is half there looks like pods that left. From then on a source that is
 * away changes nothing but what `onError` says; of two watches that are away one may be back before
 * the other, or have news all the while (one faulty file of many): such sets are stale. Changes of
 * one turn of the event loop are one set.
 */
import { assert, type Clock, type Logger, type Timer } from "../../base/index.ts";
import {
  type EndpointSet,
  newEndpointSet,
  type ServiceConfigResult,
  type SetPlace,
} from "../endpoint.ts";
import type { Resolver, ResolverListener } from "../resolver.ts";
import { isSameServiceConfig } from "../service-config.ts";
import { TargetError } from "../target.ts";
import { externalTarget } from "./external-name.ts";
import { ServiceModel } from "./model/model.ts";
import type { ServiceState } from "./model/ports.ts";
import {
  type EndpointSlice,
  type Node,
  SERVICE_NAME_LABEL,
  type Service,
  ZONE_LABEL,
} from "./objects.ts";
import type { Place } from "./place.ts";
import type { ObjectChange, ObjectSource, SourceProblem, Subscription } from "./source.ts";
import type { KubernetesTarget } from "./target.ts";

/** What a `KubernetesResolver` needs. */
export interface KubernetesDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Shared by all resolvers of a process: see `shareWatches`. */
  readonly objects: ObjectSource;
  /** Without a zone, that of the node is read from its Node object. */
  readonly place: Place;
  /** Makes the resolver of the name that an ExternalName leads to. Throws TargetError. */
  readonly createResolver: (target: string) => Resolver;
  /** Of a pod with both, whether we have a route to its IPv6 address only. Never rejects. */
  readonly prefersIPv6: (ipv4: string, ipv6: string) => Promise<boolean>;
}

/** Routes are not asked for more often than this. */
const ROUTES_INTERVAL_MS = 1000;

/** See the head of this file. */
export class KubernetesResolver implements Resolver {
  readonly target: string;
  readonly #parsed: KubernetesTarget;
  readonly #deps: KubernetesDeps;
  readonly #namespace: string;
  /** "namespace/name" of the Service. */
  readonly #name: string;
  readonly #log: Logger;
  readonly #model: ServiceModel;
  readonly #subscriptions: Subscription[] = [];
  #listener: ResolverListener | null = null;
  #isClosed = false;
  #flushTimer: Timer | null = null;
  #isSynced = false;
  #service: ServiceState | null = null;
  /** Of the Service: the same object as long as it says the same. */
  #config: ServiceConfigResult | null = null;
  #isPlaced: boolean;
  /** Why a watch is away, by watch: what `onError` is told. */
  readonly #problems = new Map<"slices" | "service", string>();
  #set: EndpointSet | null = null;
  /** The reason given to `onError` since the last `onEndpoints`, or null. */
  #reported: string | null = null;
  /** The resolver of an ExternalName, and the target that it was made of. */
  #external: Resolver | null = null;
  #externalTarget: string | null = null;
  /** What it said last, and why its source is away; null: it did not, and is not. */
  #externalSet: EndpointSet | null = null;
  #externalProblem: string | null = null;
  readonly #loggedSlices = new Set<string>();
  /** Which of a pod's two addresses comes first: asked for when there is such a pod. */
  #isFamilyKnown = false;
  #isFamilyAsked = false;
  #familyAskedAtMs = Number.NEGATIVE_INFINITY;

  /** @param parsed as `parseTarget` made it. */
  constructor(parsed: KubernetesTarget, deps: KubernetesDeps) {
    this.target = parsed.target;
    this.#parsed = parsed;
    this.#deps = deps;
    this.#namespace = parsed.namespace ?? deps.objects.defaultNamespace;
    this.#name = `${this.#namespace}/${parsed.service}`;
    this.#log = deps.log.child({ target: parsed.target });
    this.#model = new ServiceModel(this.#name, parsed.port, deps.place);
    this.#isPlaced = deps.place.zone !== null || deps.place.node === null;
  }

  /** Begins to watch. The first set comes on a later turn. */
  start(listener: ResolverListener): void {
    assert(this.#listener === null, "a resolver is started once");
    this.#listener = listener;
    if (this.#isClosed) return;
    const { objects, place } = this.#deps;
    const namespace = this.#namespace;
    const name = this.#parsed.service;
    const label = { key: SERVICE_NAME_LABEL, value: name };
    this.#subscriptions.push(
      objects.watch(
        { kind: "EndpointSlice", namespace, name: null, label },
        {
          onChanges: (changes, isSynced) => this.#onSlices(changes, isSynced),
          onProblem: (problem) => this.#onProblem("slices", problem),
          onRecovered: () => this.#onRecovered("slices"),
        },
      ),
      objects.watch(
        { kind: "Service", namespace, name, label: null },
        {
          onChanges: (changes, isSynced) => this.#onService(changes, isSynced),
          onProblem: (problem) => this.#onServiceProblem(problem),
          onRecovered: () => this.#onRecovered("service"),
        },
      ),
    );
    if (!this.#isPlaced) this.#watchNode(place.node!);
  }

  /** Nothing of the API server; but an ExternalName has DNS behind it, and routes may change. */
  resolveNow(): void {
    this.#external?.resolveNow();
    const { pair } = this.#model;
    const sinceMs = this.#deps.clock.nowMs() - this.#familyAskedAtMs;
    if (pair !== null && sinceMs >= ROUTES_INTERVAL_MS) this.#askFamily(pair);
  }

  /** See `Resolver`. */
  close(): void {
    this.#isClosed = true;
    for (const subscription of this.#subscriptions) subscription.close();
    this.#flushTimer?.cancel();
    this.#flushTimer = null;
    this.#external?.close();
    this.#external = null;
  }

  #watchNode(node: string): void {
    const query = { kind: "Node", namespace: "", name: node, label: null } as const;
    const settle = (zone: string | null): void => {
      this.#isPlaced = true;
      this.#model.setPlace({ node, zone });
      this.#flushSoon();
    };
    const onChanges = (changes: readonly ObjectChange<Node>[], isSynced: boolean): void => {
      const last = changes.at(-1);
      const found = last?.type === "upsert" ? last.object : null;
      if (last === undefined && (!isSynced || this.#isPlaced)) return;
      const zone = found?.metadata.labels[ZONE_LABEL] ?? null;
      const reason = found === null ? "there is no such Node" : `it has no label ${ZONE_LABEL}`;
      if (zone === null) this.#log.warn("our zone is not known", { node, reason });
      settle(zone);
    };
    const onProblem = ({ kind, reason }: SourceProblem): void => {
      // A zone is good to have, no reason to wait: whatever is wrong, calls go on without.
      if (!this.#isPlaced) this.#log.warn("our zone is not known", { node, kind, reason });
      if (!this.#isPlaced) settle(null);
    };
    this.#subscriptions.push(
      this.#deps.objects.watch(query, { onChanges, onProblem, onRecovered() {} }),
    );
  }

  #onSlices(changes: readonly ObjectChange<EndpointSlice>[], isSynced: boolean): void {
    for (const { type, object } of changes) {
      if (type === "delete") this.#model.deleteSlice(object.metadata.name);
      else this.#model.setSlice(object);
      if (type === "upsert" && object.addressType === "FQDN") this.#logFqdn(object.metadata.name);
    }
    if (isSynced) this.#isSynced = true;
    this.#flushSoon();
  }

  #onService(changes: readonly ObjectChange<Service>[], isSynced: boolean): void {
    const last = changes.at(-1);
    if (last?.type === "upsert") this.#setService({ kind: "known", service: last.object });
    else if (last?.type === "delete") this.#setService({ kind: "absent" });
    else if (isSynced && this.#service?.kind !== "known") this.#setService({ kind: "absent" });
  }

  #onServiceProblem(problem: SourceProblem): void {
    if (problem.kind !== "forbidden") {
      this.#onProblem("service", problem);
      return;
    }
    this.#problems.delete("service");
    // What was known of it stays in use, should the permission be taken away later.
    if (this.#service?.kind === "known") return;
    const { reason } = problem;
    if (this.#service?.kind !== "unreadable") {
      this.#log.warn("the Service cannot be read, going on without", { reason });
    }
    this.#setService({ kind: "unreadable", reason });
  }

  #setService(state: ServiceState): void {
    this.#service = state;
    const config = state.kind === "known" ? state.service.serviceConfig : null;
    if (!isSameServiceConfig(config, this.#config)) this.#config = config;
    this.#model.setService(state);
    this.#flushSoon();
  }

  #onProblem(watch: "slices" | "service", { reason }: SourceProblem): void {
    this.#problems.set(watch, reason);
    this.#flushSoon();
  }

  #onRecovered(watch: "slices" | "service"): void {
    this.#problems.delete(watch);
    this.#flushSoon();
  }

  #logFqdn(slice: string): void {
    if (this.#loggedSlices.has(slice)) return;
    this.#loggedSlices.add(slice);
    this.#log.warn("EndpointSlice skipped: address type FQDN is not supported", { slice });
  }

  /** Once per turn, whatever came in it. */
  #flushSoon(): void {
    if (this.#flushTimer !== null || this.#isClosed) return;
    this.#flushTimer = this.#deps.clock.setTimer(0, () => {
      this.#flushTimer = null;
      this.#flush();
    });
  }

  #flush(): void {
    const service = this.#service?.kind === "known" ? this.#service.service : null;
    if (service?.type === "ExternalName") {
      this.#followName(service);
      if (!this.#isClosed) this.#reportOrReturn();
      return;
    }
    this.#leaveName();
    const isKnown = this.#isSynced && this.#service !== null && this.#isPlaced;
    if (isKnown) {
      const set = this.#model.compute();
      const { pair } = this.#model;
      if (pair === null || this.#isFamilyKnown) this.#publish(set);
      else this.#askFamily(pair);
    }
    if (!this.#isClosed) this.#report();
  }

  #askFamily([ipv4, ipv6]: readonly [ipv4: string, ipv6: string]): void {
    if (this.#isFamilyAsked || this.#isClosed) return;
    this.#isFamilyAsked = true;
    this.#familyAskedAtMs = this.#deps.clock.nowMs();
    this.#deps.prefersIPv6(ipv4, ipv6).then((prefersIPv6) => {
      this.#isFamilyAsked = false;
      this.#isFamilyKnown = true;
      this.#model.setFamily(prefersIPv6);
      this.#flushSoon();
    });
  }

  #publish(of: EndpointSet): void {
    const set = this.#withConfig(of);
    const isBack = this.#reported !== null && this.#problems.size === 0;
    if (this.#set !== null && isSameSet(this.#set, set) && !isBack) return;
    this.#set = set;
    const isStale = this.#reported !== null && !isBack;
    if (!isStale) this.#reported = null;
    // What a Service comes to, and that nobody knows, is in the log of who listens.
    this.#listener?.onEndpoints(isStale ? Object.freeze({ ...set, isStale }) : set);
  }

  #withConfig(set: EndpointSet): EndpointSet {
    return this.#config === null ? set : Object.freeze({ ...set, serviceConfig: this.#config });
  }

  /** Tells the listener that the source is away, unless it knows that for this very reason. */
  #report(): void {
    const reason = this.#reason;
    if (reason === null || reason === this.#reported) return;
    this.#reported = reason;
    this.#listener?.onError(reason);
  }

  get #reason(): string | null {
    const ofWatches = this.#problems.get("slices") ?? this.#problems.get("service");
    return ofWatches ?? this.#externalProblem;
  }

  /** Of an ExternalName no set comes from the watches that would say that they are back. */
  #reportOrReturn(): void {
    if (this.#reason !== null) this.#report();
    else if (this.#reported === null) return;
    else if (this.#externalSet !== null) this.#publishExternal(this.#externalSet);
    else if (this.#set !== null) this.#publish(this.#set);
  }

  #publishExternal(set: EndpointSet): void {
    const { isStale: _, serviceConfig: __, ...rest } = set;
    const known = this.#withConfig(rest);
    this.#externalSet = known;
    this.#report();
    const isStale = this.#reason !== null;
    if (!isStale) this.#reported = null;
    if (!this.#isClosed) {
      this.#listener?.onEndpoints(Object.freeze(isStale ? { ...known, isStale } : known));
    }
  }

  /** An ExternalName is a CNAME and no more: DNS says who serves it. */
  #followName(service: Service): void {
    const found = externalTarget(this.#name, service, this.#parsed.port);
    if (found.target !== null && found.target === this.#externalTarget) {
      const set = this.#externalSet;
      const isNews = set !== null && (set.serviceConfig ?? null) !== this.#config;
      if (isNews) this.#publishExternal(set);
      return;
    }
    this.#leaveName();
    if (found.target === null) {
      this.#publish(newEndpointSet([], found.problem));
      return;
    }
    this.#externalTarget = found.target;
    try {
      this.#external = this.#deps.createResolver(found.target);
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      this.#publish(newEndpointSet([], `service ${this.#name}: ${error.message}`));
      return;
    }
    this.#set = null;
    const notes = [`service ${this.#name} is an ExternalName: by DNS, ${found.target}`];
    this.#external.start({
      onEndpoints: (set) => {
        if (set.isStale !== true) this.#externalProblem = null;
        this.#publishExternal({ ...set, notes });
      },
      onError: (reason) => {
        this.#externalProblem = reason;
        this.#report();
      },
    });
  }

  #leaveName(): void {
    this.#external?.close();
    this.#external = null;
    this.#externalTarget = null;
    this.#externalSet = null;
    this.#externalProblem = null;
  }
}

/** The model keeps what did not change, so that the objects need not be compared. */
function isSameSet(a: EndpointSet, b: EndpointSet): boolean {
  return (
    a.reason === b.reason &&
    a.serviceConfig === b.serviceConfig &&
    samePlace(a.place, b.place) &&
    sameItems(a.endpoints, b.endpoints) &&
    sameItems(a.skipped ?? [], b.skipped ?? []) &&
    sameItems(a.notes ?? [], b.notes ?? [])
  );
}

function samePlace(a: SetPlace | undefined, b: SetPlace | undefined): boolean {
  return a?.node === b?.node && a?.zone === b?.zone && a?.hints === b?.hints;
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
