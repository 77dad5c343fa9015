/**
 * The model of one Service: what is known of it, its slices, and our place in, one endpoint set
 * out. Pure: no time, no source, no port to connect to.
 *
 * Whatever the order of the changes, the set is the one of the last objects. A change of one slice
 * costs the work on that slice and one cheap pass over all groups; what did not change keeps its
 * `Endpoint` objects.
 */
import type { Endpoint, EndpointConditions, EndpointSet, SkippedEndpoint } from "../../endpoint.ts";
import type { EndpointSlice } from "../objects.ts";
import type { Place } from "../place.ts";
import type { TargetPort } from "../target.ts";
import { type Candidate, candidatesOf, type SliceRecord } from "./candidate.ts";
import { Census } from "./census.ts";
import { type Group, Groups } from "./groups.ts";
import { type PortRule, portRuleOf, type ServiceState, samePortRule } from "./ports.ts";
import { type Judgement, judge } from "./rules.ts";

/** See the head of this file. */
export class ServiceModel {
  readonly #name: string;
  readonly #port: TargetPort;
  readonly #census: Census;
  readonly #groups: Groups;
  readonly #records = new Map<string, SliceRecord>();
  /** The key of the judgement by which all groups are shown, and the family. */
  #shownBy = "";
  /** Of a pair of addresses the IPv6 one comes first. */
  #prefersIPv6 = false;
  #pair: readonly [ipv4: string, ipv6: string] | null = null;
  #state: ServiceState = { kind: "absent" };
  #rule: PortRule;

  /** @param name "namespace/name" of the Service, for people. */
  constructor(name: string, port: TargetPort, place: Place) {
    this.#name = name;
    this.#port = port;
    this.#census = new Census(place);
    this.#groups = new Groups(this.#census);
    this.#rule = portRuleOf(port, this.#state);
  }

  /** Our place became known, or changed. */
  setPlace(place: Place): void {
    this.#groups.setPlace(place);
  }

  /** Of a pod with an address of each family, whether the IPv6 one comes first; no by default. */
  setFamily(prefersIPv6: boolean): void {
    this.#prefersIPv6 = prefersIPv6;
  }

  /** The addresses of some pod that has one of each family, as of `compute`; null without any. */
  get pair(): readonly [ipv4: string, ipv6: string] | null {
    return this.#pair;
  }

  /** What is known of the Service from now on. */
  setService(state: ServiceState): void {
    const published = this.#publishesAll;
    const rule = portRuleOf(this.#port, state);
    const isSame = samePortRule(rule, this.#rule);
    this.#state = state;
    this.#rule = rule;
    const isAsReady = published === this.#publishesAll;
    if (isSame && isAsReady) return;
    for (const record of this.#records.values()) {
      this.#renew(record, isAsReady ? record.candidates : []);
    }
  }

  /** A slice came or changed. */
  setSlice(slice: EndpointSlice): void {
    const { namespace, name, resourceVersion } = slice.metadata;
    const revision = /^\d+$/.test(resourceVersion) ? Number(resourceVersion) : 0;
    const known = this.#records.get(name);
    if (known === undefined) {
      const source = `EndpointSlice ${namespace}/${name}`;
      const record: SliceRecord = { source, revision, slice, candidates: [] };
      this.#records.set(name, record);
      this.#renew(record, []);
      return;
    }
    // The API server lets no slice change its address type; files may.
    const isSameType = known.slice.addressType === slice.addressType;
    known.slice = slice;
    known.revision = revision;
    this.#renew(known, isSameType ? known.candidates : []);
  }

  /** A slice went. No-op when it is not known. */
  deleteSlice(name: string): void {
    const record = this.#records.get(name);
    if (record === undefined) return;
    for (const candidate of record.candidates) this.#groups.remove(candidate);
    this.#records.delete(name);
  }

  /** The set as of now: immutable. */
  compute(): EndpointSet {
    const groups = this.#groups.settle();
    const judgement = judge(this.#census, this.#settings);
    const shownBy = `${judgement.key} ${this.#prefersIPv6}`;
    const isOther = shownBy !== this.#shownBy;
    this.#shownBy = shownBy;
    this.#pair = null;
    const endpoints: Endpoint[] = [];
    const skipped: SkippedEndpoint[] = [];
    for (const group of groups) {
      if (isOther || group.isStale) show(group, judgement, this.#prefersIPv6);
      if (group.twin !== null) this.#pair ??= pairOf(group, group.twin);
      if (group.endpoint !== null) endpoints.push(group.endpoint);
      else if (group.skipped !== null) skipped.push(group.skipped);
    }
    return Object.freeze({
      endpoints: Object.freeze(endpoints),
      place: Object.freeze({ ...this.#census.place, hints: judgement.hints }),
      ...(endpoints.length === 0 && { reason: this.#reason(skipped) }),
      ...(this.#isAbsent && { isAbsent: true }),
      ...(skipped.length > 0 && { skipped: Object.freeze(skipped) }),
      ...(groups.length > 0 && { notes: Object.freeze([this.#rule.text, ...judgement.notes]) }),
    });
  }

  get #publishesAll(): boolean {
    return this.#state.kind === "known" && this.#state.service.publishNotReadyAddresses;
  }

  /** Slices that a user wrote need no Service; without any, nobody knows the name. */
  get #isAbsent(): boolean {
    return this.#records.size === 0 && this.#state.kind === "absent";
  }

  get #settings(): { isLocalOnly: boolean; trafficDistribution: string } {
    if (this.#state.kind !== "known") return { isLocalOnly: false, trafficDistribution: "" };
    const { internalTrafficPolicy, trafficDistribution } = this.#state.service;
    return { isLocalOnly: internalTrafficPolicy === "Local", trafficDistribution };
  }

  /** Replaces a record's candidates, except those that stay as they are. */
  #renew(record: SliceRecord, known: readonly Candidate[]): void {
    const before = record.candidates;
    const after = candidatesOf(record, this.#rule, this.#publishesAll, known);
    record.candidates = after;
    const kept = new Set(after);
    for (const candidate of before) {
      if (!kept.delete(candidate)) this.#groups.remove(candidate);
      else this.#groups.review(candidate);
    }
    for (const candidate of kept) this.#groups.add(candidate);
  }

  #reason(skipped: readonly SkippedEndpoint[]): string {
    const name = `service ${this.#name}`;
    if (this.#isAbsent) return `${name} does not exist`;
    if (skipped.length === 0) return `${name} has no endpoints`;
    const counts = new Map<string, number>();
    for (const { reason } of skipped) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const isUnplaced = this.#settings.isLocalOnly && this.#census.place.node === null;
    const rules = [...counts].map(([text, count]) => `${count} ${text}`).join(", ");
    const hint = isUnplaced ? " (our node is not known)" : "";
    return `none of ${skipped.length} endpoints of ${name} is usable: ${rules}${hint}`;
  }
}

function pairOf(group: Group, twin: Group): readonly [ipv4: string, ipv6: string] {
  const [ip, other] = [group.best!.item.addresses[0], twin.best!.item.addresses[0]];
  return group.best!.isIPv6 ? [other, ip] : [ip, other];
}

/** What did not change keeps its objects: who compares sets need only compare those. */
function show(group: Group, { verdictOf }: Judgement, prefersIPv6: boolean): void {
  const best = group.best!;
  const verdict = verdictOf(best);
  const isJoined = group.twin !== null && verdictOf(group.twin.best!) === verdict;
  const other = isJoined ? group.twin!.best : null;
  const isHidden = isJoined && best.isIPv6 !== prefersIPv6; // A pair is shown once.
  const isMade = group.shownBest === best && group.shownOther === other && !isHidden;
  group.isStale = false;
  group.shownBest = best;
  group.shownOther = other;
  if (isMade && verdict.isUsed && group.endpoint?.rule === verdict.text) return;
  if (isMade && !verdict.isUsed && group.skipped?.reason === verdict.text) return;
  const endpoint = endpointOf(best, other, verdict.isUsed ? verdict.text : null);
  const isSkipped = !verdict.isUsed && !isHidden;
  group.endpoint = verdict.isUsed && !isHidden ? endpoint : null;
  group.skipped = isSkipped ? Object.freeze({ endpoint, reason: verdict.text }) : null;
}

function endpointOf(best: Candidate, other: Candidate | null, rule: string | null): Endpoint {
  const { address, item } = best;
  const { targetRef } = item;
  return Object.freeze({
    address,
    addresses: Object.freeze(other === null ? [address] : [address, other.address]),
    pod: targetRef?.kind === "Pod" && targetRef.name !== "" ? targetRef.name : null,
    uid: best.uid === "" ? null : best.uid,
    node: item.nodeName,
    zone: item.zone,
    source: best.record.source,
    weight: 1,
    group: null,
    conditions: conditionsOf(best),
    assignment: null,
    rule,
  });
}

const NO_HINTS: EndpointConditions["hints"] = Object.freeze({
  nodes: Object.freeze([]),
  zones: Object.freeze([]),
});
/** What most endpoints are, as one object. */
const PLAIN: EndpointConditions = Object.freeze({
  ready: true,
  serving: true,
  terminating: false,
  hints: NO_HINTS,
});

function conditionsOf({ ready, serving, terminating, item }: Candidate): EndpointConditions {
  const { forNodes: nodes, forZones: zones } = item;
  const isHinted = nodes.length > 0 || zones.length > 0;
  if (!isHinted && ready && serving && !terminating) return PLAIN;
  const hints = isHinted ? Object.freeze({ nodes, zones }) : NO_HINTS;
  return Object.freeze({ ready, serving, terminating, hints });
}
