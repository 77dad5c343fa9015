/**
 * One endpoint of one slice as a candidate for the endpoint set: its address with the port that
 * the target means, and its conditions with nil resolved.
 *
 * Candidates of a slice are made when the slice changes and only then; one that did not change
 * stays the same object, so that whatever was built from it can be kept.
 */
import { formatAddress } from "../../../transport/index.ts";
import type { EndpointSlice, SliceEndpoint } from "../objects.ts";
import { type PortRule, portOfSlice } from "./ports.ts";

/** A slice that is known, and its candidates in its order. */
export interface SliceRecord {
  /** "EndpointSlice namespace/name". */
  readonly source: string;
  /** Its resourceVersion as a number: of two slices the greater is newer. 0 in files. */
  revision: number;
  slice: EndpointSlice;
  candidates: readonly Candidate[];
}

/** See the head of this file. Immutable, but for the revision of its slice. */
export class Candidate {
  readonly record: SliceRecord;
  readonly item: SliceEndpoint;
  /** "ip:port"; without a port when `refusal` says that there is none. */
  readonly address: string;
  readonly port: number | null;
  readonly isIPv6: boolean;
  /** As the slice says it, or true because the Service publishes addresses that are not ready. */
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Ready for no other reason than the Service's `publishNotReadyAddresses`. */
  readonly isPublishedOnly: boolean;
  /** Why it cannot be used whatever its conditions are, or null. */
  readonly refusal: string | null;

  /** @param publishesAll the Service's `publishNotReadyAddresses`. */
  constructor(
    record: SliceRecord,
    item: SliceEndpoint,
    port: number | null,
    refusal: string | null,
    publishesAll: boolean,
  ) {
    this.record = record;
    this.item = item;
    this.port = port;
    this.refusal = refusal;
    this.address = port === null ? item.addresses[0] : formatAddress(item.addresses[0], port);
    this.isIPv6 = record.slice.addressType === "IPv6";
    // "nil should be interpreted as true", of ready and serving; "as false", of terminating.
    // (discovery/v1 EndpointConditions)
    const isReady = item.ready ?? true;
    this.ready = isReady || publishesAll;
    this.serving = item.serving ?? true;
    this.terminating = item.terminating ?? false;
    this.isPublishedOnly = this.ready && !isReady;
  }

  /** Identity of the pod, or "". */
  get uid(): string {
    return this.item.targetRef?.uid ?? "";
  }
}

/**
 * The candidates of a record's slice; those that did not change are taken from `known`.
 *
 * @param known of the same record, and made with the same `publishesAll`.
 */
export function candidatesOf(
  record: SliceRecord,
  rule: PortRule,
  publishesAll: boolean,
  known: readonly Candidate[],
): Candidate[] {
  const { slice } = record;
  const { port, refusal } =
    slice.addressType === "FQDN"
      ? { port: null, refusal: "address type FQDN is not supported" }
      : portOfSlice(rule, slice);
  const byAddress = new Map(known.map((candidate) => [candidate.item.addresses[0], candidate]));
  return slice.endpoints.map((item) => {
    const old = byAddress.get(item.addresses[0]);
    if (old?.port === port && old.refusal === refusal && sameItem(old.item, item)) {
      byAddress.delete(item.addresses[0]); // An address may stand in a slice twice.
      return old;
    }
    return new Candidate(record, item, port, refusal, publishesAll);
  });
}

function sameItem(a: SliceEndpoint, b: SliceEndpoint): boolean {
  return (
    a.ready === b.ready &&
    a.serving === b.serving &&
    a.terminating === b.terminating &&
    a.nodeName === b.nodeName &&
    a.zone === b.zone &&
    a.targetRef?.uid === b.targetRef?.uid &&
    a.targetRef?.name === b.targetRef?.name &&
    a.targetRef?.kind === b.targetRef?.kind &&
    sameTexts(a.forNodes, b.forNodes) &&
    sameTexts(a.forZones, b.forZones)
  );
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, i) => text === b[i]));
}

/** Usable by itself, usable in need, not usable: what kube-proxy tells apart. */
function rankOf({ ready, serving, terminating }: Candidate): number {
  if (ready) return 2;
  return serving && terminating ? 1 : 0;
}

/**
 * Of two candidates with one address, whether `a` is the one to believe. While an endpoint moves
 * from one slice to another it is in both, and either may be out of date: the one that can be used
 * is preferred, because a connection shows soon enough what an old one is worth; then the newer
 * slice, then the name, so that every order of events ends in the same. (kube-proxy takes any.)
 */
export function isPreferred(a: Candidate, b: Candidate): boolean {
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0) return rank > 0;
  if (a.record === b.record) {
    const { candidates } = a.record;
    return candidates.indexOf(a) < candidates.indexOf(b);
  }
  if (a.record.revision !== b.record.revision) return a.record.revision > b.record.revision;
  return a.record.source < b.record.source;
}
