/**
 * A cluster for people: each endpoint, whether it would be picked, and the steps of that decision.
 */

import type { Endpoint, SkippedEndpoint } from "../discovery/index.ts";
import type { Endpoints } from "./endpoints.ts";
import type { Picking } from "./picking.ts";
import type { Subchannel } from "./subchannel.ts";
import { OUTSIDE_SUBSET } from "./subset.ts";
import type { DecisionStep, EndpointView, Readiness } from "./view.ts";

const IN_SET = "in the endpoint set";

/**
 * The endpoints of the current set, those that drain, and those that the source knows and a rule of
 * discovery leaves out, sorted by address.
 */
export function viewOf(endpoints: Endpoints, picking: Picking): EndpointView[] {
  const { policy, picker } = picking;
  const only = policy.connects === "first" ? (picker?.pick(null, null, 0) ?? null) : null;
  const views = [
    ...endpoints.current.map((each) => endpointView(each, picking, only)),
    ...endpoints.draining.map((each) => endpointView(each, picking, only)),
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
  picking: Picking,
  only: Subchannel | null,
): EndpointView {
  const { endpoint, state } = subchannel;
  const { policy } = picking;
  const isPassedOver = policy.connects === "first" && state === "IDLE";
  const usable = picking.isUsable(subchannel) && (policy.connects === "all" || only === subchannel);
  return {
    address: endpoint.address,
    pod: endpoint.pod,
    uid: endpoint.uid,
    node: endpoint.node,
    zone: endpoint.zone,
    state,
    usable,
    reason: isPassedOver ? "pick_first uses another endpoint" : picking.reasonOf(subchannel),
    source: endpoint.source,
    assignment: endpoint.assignment,
    weight: endpoint.weight,
    connections: subchannel.connectionCount,
    activeCalls: subchannel.activeCalls,
    calls: subchannel.metrics.calls.value,
    failures: subchannel.metrics.failures.value,
    latencyMs: subchannel.latencyMs === null ? null : round(subchannel.latencyMs),
    decision: decisionOf(subchannel, picking, usable),
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
    assignment: endpoint.assignment,
    weight: endpoint.weight,
    connections: 0,
    activeCalls: 0,
    calls: 0,
    failures: 0,
    latencyMs: null,
    decision:
      reason === OUTSIDE_SUBSET
        ? [inSet(endpoint), { rule: "random_subsetting", effect: `no: ${reason}` }]
        : [{ rule: IN_SET, effect: `no: ${reason}, says ${endpoint.source}` }],
  };
}

function inSet({ source, rule }: Endpoint): DecisionStep {
  return { rule: IN_SET, effect: `yes, from ${source}${rule === null ? "" : `: ${rule}`}` };
}

function decisionOf(subchannel: Subchannel, picking: Picking, usable: boolean): DecisionStep[] {
  const { endpoint, state, reason } = subchannel;
  const { policy } = picking;
  const steps: DecisionStep[] = [
    state === "DRAINING" ? { rule: IN_SET, effect: `no: ${reason}` } : inSet(endpoint),
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
  steps.push(...picking.stepsOf(subchannel));
  if (!picking.mayTake(subchannel)) return steps;
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
