/**
 * Which endpoints of a Service are used from where we run: the rules of kube-proxy.
 *
 * They are those of `CategorizeEndpoints` and `topologyModeFromHints` in Kubernetes'
 * pkg/proxy/topology.go, in our words; the comments name the part that each line stands for. Only
 * `publishNotReadyAddresses` is the EndpointSlice controller's (`candidate.ts`).
 * Pure: counts over all endpoints, the settings of the Service and our place in, verdicts out.
 */
import type { Place } from "../place.ts";
import type { Candidate } from "./candidate.ts";
import type { Census } from "./census.ts";

/** What becomes of an endpoint, and the rule, for people. Compared by identity within one round. */
export interface Verdict {
  readonly isUsed: boolean;
  readonly text: string;
}

/** What of a Service decides. */
export interface TrafficSettings {
  /** `internalTrafficPolicy: Local`. */
  readonly isLocalOnly: boolean;
  /** Of the Service, for people only: hints in the slices are what counts. */
  readonly trafficDistribution: string;
}

/** The rules as they apply to one state of a Service's endpoints. */
export interface Judgement {
  /** Which hints hold; null: none. */
  readonly hints: "node" | "zone" | null;
  /** Two judgements with the same key come to the same verdicts, but for their identity. */
  readonly key: string;
  /** Of any endpoint of that state. */
  verdictOf(candidate: Candidate): Verdict;
  /** The rules that hold for all of them, for people. */
  readonly notes: readonly string[];
}

const used = (text: string): Verdict => ({ isUsed: true, text });
const skipped = (text: string): Verdict => ({ isUsed: false, text });

const READY = used("ready");
const PUBLISHED = used("not ready, but the Service publishes such addresses");
const NOT_READY = skipped("not ready");
const TERMINATING = skipped("terminating");
const IN_NEED = used("serving and terminating, and no endpoint is ready");
const IN_NEED_HERE = used("serving and terminating, and none on our node is ready");
const ELSEWHERE = skipped("internalTrafficPolicy Local: on another node");
const OTHER_NODE = skipped("node hints: for another node");
const OTHER_ZONE = skipped("zone hints: for another zone");

/** Judges endpoints by the census of all. */
export function judge(census: Census, settings: TrafficSettings): Judgement {
  const { place } = census;
  if (settings.isLocalOnly) return judgeLocal(census, place);
  const mode = topologyMode(census);
  const isInNeed = census.readyCount === 0;
  const inMode = mode === "node" ? used(`ready, hinted for node ${place.node}`) : READY;
  const chosen = mode === "zone" ? used(`ready, hinted for zone ${place.zone}`) : inMode;
  const refusals = new Map<string, Verdict>();
  return {
    hints: mode,
    key: `${mode} ${isInNeed} ${place.node} ${place.zone}`,
    notes: notesOf(census, settings, mode, place),
    verdictOf(candidate): Verdict {
      if (candidate.refusal !== null) return refusalOf(candidate.refusal, refusals);
      // "Usable endpoints means Ready endpoints by default": the filter of clusterEndpoints.
      if (!candidate.ready) return isInNeed ? inNeed(candidate) : notReady(candidate);
      // availableForTopology
      if (mode === "node" && !candidate.item.forNodes.includes(place.node!)) return OTHER_NODE;
      if (mode === "zone" && !candidate.item.forZones.includes(place.zone!)) return OTHER_ZONE;
      return candidate.isPublishedOnly && mode === null ? PUBLISHED : chosen;
    },
  };
}

/** The part for UsesLocalEndpoints: hints do not count, and ready or not is decided here alone. */
function judgeLocal(census: Census, place: Place): Judgement {
  const where = place.node === null ? "which is not known" : place.node;
  const isInNeed = census.readyHereCount === 0;
  const refusals = new Map<string, Verdict>();
  return {
    hints: null,
    key: `local ${isInNeed} ${place.node}`,
    notes: [`internalTrafficPolicy Local: only endpoints on our node, ${where}`],
    verdictOf(candidate): Verdict {
      if (candidate.refusal !== null) return refusalOf(candidate.refusal, refusals);
      if (place.node === null || candidate.item.nodeName !== place.node) return ELSEWHERE;
      if (candidate.ready) return candidate.isPublishedOnly ? PUBLISHED : READY;
      if (!isInNeed) return notReady(candidate);
      return candidate.serving && candidate.terminating ? IN_NEED_HERE : notReady(candidate);
    },
  };
}

/** "try again using terminating endpoints": when none is ready anywhere. */
function inNeed(candidate: Candidate): Verdict {
  return candidate.serving && candidate.terminating ? IN_NEED : notReady(candidate);
}

function notReady(candidate: Candidate): Verdict {
  return candidate.terminating ? TERMINATING : NOT_READY;
}

function refusalOf(text: string, known: Map<string, Verdict>): Verdict {
  const verdict = known.get(text) ?? skipped(text);
  known.set(text, verdict);
  return verdict;
}

/**
 * topologyModeFromHints: hints count only if every ready endpoint has one and at least one is for
 * us; those for nodes come first.
 */
function topologyMode(census: Census): "node" | "zone" | null {
  const { readyCount, nodeHintedCount, nodeHintedHereCount } = census;
  const { zoneHintedCount, zoneHintedHereCount } = census;
  if (readyCount === 0) return null;
  if (nodeHintedCount === readyCount && nodeHintedHereCount > 0) return "node";
  if (zoneHintedCount === readyCount && zoneHintedHereCount > 0) return "zone";
  return null;
}

function notesOf(
  census: Census,
  { trafficDistribution }: TrafficSettings,
  mode: "node" | "zone" | null,
  place: Place,
): string[] {
  const notes: string[] = [];
  if (trafficDistribution !== "") {
    notes.push(`trafficDistribution ${trafficDistribution}: kept as far as the slices have hints`);
  }
  if (mode === "node") notes.push(`node hints: only endpoints for node ${place.node}`);
  if (mode === "zone") notes.push(`zone hints: only endpoints for zone ${place.zone}`);
  if (mode !== null) return notes;
  const { readyCount, nodeHintedCount, zoneHintedCount } = census;
  if (nodeHintedCount > 0) notes.push(ignored("node", nodeHintedCount, readyCount, place.node));
  if (zoneHintedCount > 0) notes.push(ignored("zone", zoneHintedCount, readyCount, place.zone));
  return notes;
}

function ignored(
  what: string,
  hintedCount: number,
  readyCount: number,
  ours: string | null,
): string {
  if (hintedCount < readyCount) {
    return `${what} hints ignored: ${readyCount - hintedCount} of ${readyCount} ready have none`;
  }
  if (ours === null) return `${what} hints ignored: our ${what} is not known`;
  return `${what} hints ignored: none is for our ${what}, ${ours}`;
}
