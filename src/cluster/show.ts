/**
 * A cluster for people: each endpoint, whether it would be picked, and the steps of that decision.
 */

import type { Picker, Policy } from "../balancing/index.ts";
import type { Endpoints } from "./endpoints.ts";
import type { Subchannel } from "./subchannel.ts";
import type { DecisionStep, EndpointView, Readiness } from "./view.ts";

/** The endpoints of the current set and those that drain, sorted by address. */
export function viewOf(
  endpoints: Endpoints,
  policy: Policy,
  picker: Picker<Subchannel> | null,
): EndpointView[] {
  const only = policy.connects === "first" ? (picker?.pick(null) ?? null) : null;
  const views = [
    ...endpoints.current.map((each) => endpointView(each, policy, only)),
    ...endpoints.draining.map((each) => endpointView(each, policy, only)),
  ];
  return views.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}

function endpointView(
  subchannel: Subchannel,
  policy: Policy,
  only: Subchannel | null,
): EndpointView {
  const { endpoint, state, reason } = subchannel;
  const isPassedOver = policy.connects === "first" && state === "IDLE";
  const usable = subchannel.isReady && (policy.connects === "all" || only === subchannel);
  return {
    address: endpoint.address,
    pod: endpoint.pod,
    uid: endpoint.uid,
    node: endpoint.node,
    zone: endpoint.zone,
    state,
    usable,
    reason: isPassedOver ? "pick_first uses another endpoint" : reason,
    source: endpoint.source,
    weight: endpoint.weight,
    connections: subchannel.connectionCount,
    activeCalls: subchannel.activeCalls,
    calls: subchannel.metrics.calls.value,
    failures: subchannel.metrics.failures.value,
    latencyMs: subchannel.latencyMs === null ? null : round(subchannel.latencyMs),
    decision: decisionOf(subchannel, policy, usable),
  };
}

function decisionOf(subchannel: Subchannel, policy: Policy, usable: boolean): DecisionStep[] {
  const { endpoint, state, reason } = subchannel;
  const steps: DecisionStep[] = [
    {
      rule: "in the endpoint set",
      effect: state === "DRAINING" ? `no: ${reason}` : `yes, from ${endpoint.source}`,
    },
  ];
  if (state === "DRAINING") return steps;
  steps.push({
    rule: "connection is ready",
    effect: subchannel.isReady ? `yes, ${subchannel.connectionCount}` : `no: ${state}, ${reason}`,
  });
  if (!subchannel.isReady) return steps;
  if (policy.connects === "first") {
    steps.push({ rule: policy.name, effect: usable ? "takes every call" : "not the first" });
  } else {
    const active = subchannel.activeCalls;
    steps.push({ rule: policy.name, effect: `a candidate for each call, ${active} in flight` });
  }
  return steps;
}

function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

/**
 * Why nothing is ready, with the reasons of the first endpoints. `reason` is why there is no set
 * yet, or why it is empty; null when that is not known.
 */
export function notReadyReason(
  target: string,
  endpoints: Endpoints,
  isResolved: boolean,
  reason: string | null,
): string {
  if (!isResolved) {
    return reason === null
      ? `${target} is not resolved yet`
      : `${target} cannot be resolved: ${reason}`;
  }
  const all = endpoints.current;
  if (all.length === 0) return `${target} has no endpoints: ${reason ?? "none known"}`;
  const some = all.slice(0, 3).map((each) => `${each.endpoint.address}: ${each.reason}`);
  const more = all.length > 3 ? `; and ${all.length - 3} more` : "";
  return `no endpoint of ${target} is ready: ${some.join("; ")}${more}`;
}

/** Whether at least one endpoint is ready, in words. */
export function readinessOf(
  endpoints: Endpoints,
  readyCount: number,
  reason: () => string,
): Readiness {
  if (readyCount === 0) return { ready: false, reason: reason() };
  return { ready: true, reason: `${readyCount} of ${endpoints.size} endpoints are ready` };
}
