/**
 * A cluster for people: each endpoint, whether it would be picked, and the steps of that decision.
 */

import type { Picker, Policy } from "../balancing/index.ts";
import type { SkippedEndpoint } from "../discovery/index.ts";
import type { Endpoints } from "./endpoints.ts";
import type { Subchannel } from "./subchannel.ts";
import type { DecisionStep, EndpointView, Readiness } from "./view.ts";

const IN_SET = "in the endpoint set";

/**
 * The endpoints of the current set, those that drain, and those that the source knows and a rule of
 * discovery leaves out, sorted by address.
 */
export function viewOf(
  endpoints: Endpoints,
  policy: Policy,
  picker: Picker<Subchannel> | null,
): EndpointView[] {
  const only = policy.connects === "first" ? (picker?.pick(null, null, 0) ?? null) : null;
  const views = [
    ...endpoints.current.map((each) => endpointView(each, policy, only)),
    ...endpoints.draining.map((each) => endpointView(each, policy, only)),
  ];
  const shown = new Set(views.map(({ address, uid }) => `${address} ${uid}`));
  for (const skipped of endpoints.skipped) {
    const { address, uid } = skipped.endpoint;
    // One that drains is shown as such, with the same reason.
    if (!shown.has(`${address} ${uid}`)) views.push(skippedView(skipped));
  }
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

/** Known to discovery and not used: nothing was ever connected. */
function skippedView({ endpoint, reason }: SkippedEndpoint): EndpointView {
  return {
    address: endpoint.address,
    pod: endpoint.pod,
    uid: endpoint.uid,
    node: endpoint.node,
    zone: endpoint.zone,
    state: "IDLE",
    usable: false,
    reason,
    source: endpoint.source,
    weight: endpoint.weight,
    connections: 0,
    activeCalls: 0,
    calls: 0,
    failures: 0,
    latencyMs: null,
    decision: [{ rule: IN_SET, effect: `no: ${reason}, says ${endpoint.source}` }],
  };
}

function decisionOf(subchannel: Subchannel, policy: Policy, usable: boolean): DecisionStep[] {
  const { endpoint, state, reason } = subchannel;
  const rule = endpoint.rule === null ? "" : `: ${endpoint.rule}`;
  const steps: DecisionStep[] = [
    {
      rule: IN_SET,
      effect: state === "DRAINING" ? `no: ${reason}` : `yes, from ${endpoint.source}${rule}`,
    },
  ];
  if (state === "DRAINING") return steps;
  if (policy.connects === "first" && state === "IDLE") {
    steps.push({ rule: policy.name, effect: "uses another endpoint, and connects to no more" });
    return steps;
  }
  const isConnected = subchannel.isConnected;
  steps.push({
    rule: "connection is ready",
    effect: isConnected ? `yes, ${subchannel.connectionCount}` : `no: ${state}, ${reason}`,
  });
  if (!subchannel.isReady) {
    if (isConnected) steps.push({ rule: "fit for calls", effect: `no: ${state}, ${reason}` });
    return steps;
  }
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
  const some = all.slice(0, 3).map((each) => `${each.endpoint.address}: ${each.cause}`);
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
  const are = endpoints.size === 1 ? "endpoint is" : "endpoints are";
  return { ready: true, reason: `${readyCount} of ${endpoints.size} ${are} ready` };
}
