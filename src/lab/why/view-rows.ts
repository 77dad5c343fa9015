/**
 * Rows from those that know each endpoint themselves: fairlead's channel and its proxies, whose
 * `ClusterView` says it in their own words.
 */
import type { ClusterView, EndpointView } from "../../cluster/index.ts";
import type { WhyRow, WhyStep } from "./answer.ts";
import type { PodFact } from "./pod-facts.ts";
import { troubleOf, whereText } from "./words.ts";

/** What one of those who choose says. */
export interface View {
  /** Its name where there are several. */
  readonly via: string | null;
  readonly view: ClusterView;
}

/** The rows of all, by pod in the order of the lab, with those that nobody has heard of. */
export function viewRows(views: readonly View[], pods: readonly PodFact[]): readonly WhyRow[] {
  return views.flatMap(({ via, view }) => {
    const known = view.endpoints.map((endpoint) => rowOf(endpoint, via));
    const ofPod = (name: string): readonly WhyRow[] => known.filter(({ pod }) => pod === name);
    const names = new Set(pods.map(({ name }) => name));
    const rows = pods.flatMap((pod) => {
      const own = ofPod(pod.name);
      return own.length > 0 ? own : missingRow(pod, via, missingReason(pod));
    });
    // Those who choose may know of pods that the lab has no more.
    return [...rows, ...known.filter(({ pod }) => !names.has(pod))];
  });
}

/** The steps of the decision for a pod: of the one that knows it best, with its name. */
export function viewSteps(views: readonly View[], pod: string): readonly WhyStep[] {
  return views.flatMap(({ via, view }) => {
    const endpoint = view.endpoints.find((each) => each.pod === pod);
    const steps = endpoint?.decision ?? [];
    return via === null ? steps : steps.map((step) => ({ ...step, rule: `${via}: ${step.rule}` }));
  });
}

/** A pod that is there and that one of those who choose has not. */
export function missingRow(pod: PodFact, via: string | null, reason: string): WhyRow {
  return {
    ...{ pod: pod.name, via, address: pod.inSlice?.address ?? "", state: "unknown" },
    ...{ usable: false, reason, source: "none", weight: null, connections: null },
    ...{ activeCalls: null, calls: null, latencyMs: null },
  };
}

function rowOf(endpoint: EndpointView, via: string | null): WhyRow {
  const { address, pod, state, usable, reason, source, weight } = endpoint;
  const { connections, activeCalls, calls, latencyMs } = endpoint;
  return {
    ...{ pod: pod ?? address, via, address, state, usable, reason, source },
    ...{ weight, connections, activeCalls, calls, latencyMs },
  };
}

function missingReason(pod: PodFact): string {
  const trouble = troubleOf(pod);
  if (pod.inSlice === null) return `${trouble ?? "it is"} (${whereText(pod)})`;
  return `${whereText(pod)}, and not heard of here yet`;
}
