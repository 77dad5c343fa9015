/**
 * Counts over the endpoints of a Service that can be used by their port: all that the rules of
 * kube-proxy ask of the whole. Kept with every change, so that nobody walks over ten thousand
 * endpoints to learn whether all have a hint.
 */
import type { Place } from "../place.ts";
import type { Candidate } from "./candidate.ts";

/** See the head of this file. */
export class Census {
  /** Endpoints that are ready, and those of them on our node. */
  readyCount = 0;
  readyHereCount = 0;
  /** Ready ones with a hint for any node, and for ours. */
  nodeHintedCount = 0;
  nodeHintedHereCount = 0;
  /** Ready ones with a hint for any zone, and for ours. */
  zoneHintedCount = 0;
  zoneHintedHereCount = 0;
  #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Where we are. */
  get place(): Place {
    return this.#place;
  }

  /** Begins anew with another place. */
  reset(place: Place): void {
    this.#place = place;
    this.readyCount = 0;
    this.readyHereCount = 0;
    this.nodeHintedCount = 0;
    this.nodeHintedHereCount = 0;
    this.zoneHintedCount = 0;
    this.zoneHintedHereCount = 0;
  }

  /** @param sign 1 for one that came, -1 for one that went. */
  count(candidate: Candidate, sign: 1 | -1): void {
    if (!candidate.ready || candidate.refusal !== null) return;
    const { node, zone } = this.#place;
    const { nodeName, forNodes, forZones } = candidate.item;
    this.readyCount += sign;
    if (node !== null && nodeName === node) this.readyHereCount += sign;
    if (forNodes.length > 0) {
      this.nodeHintedCount += sign;
      if (node !== null && forNodes.includes(node)) this.nodeHintedHereCount += sign;
    }
    if (forZones.length > 0) {
      this.zoneHintedCount += sign;
      if (zone !== null && forZones.includes(zone)) this.zoneHintedHereCount += sign;
    }
  }
}
