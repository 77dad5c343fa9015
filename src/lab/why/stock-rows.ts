/**
 * Rows of the lanes whose client or proxy is not ours, from what is certain: the connections that a
 * ClusterIP carries, the subchannels of stock grpc-js, the answer of DNS, the admin of an Envoy.
 */
import { counted } from "../figures/number-words.ts";
import type { WhyRow, WhyStep } from "./answer.ts";
import type { Evidence } from "./evidence.ts";
import type { LookupSeen, SubchannelSeen } from "./messages.ts";
import type { PodFact } from "./pod-facts.ts";
import { missingRow } from "./view-rows.ts";
import { count, seconds, troubleOf, whereText } from "./words.ts";

/** Where a list of addresses comes from, as a row's source. */
const SOURCES = { dns: "dns", static: "static", xds: "xDS, fairlead control" } as const;

/** A row a pod. */
export function serviceRows(evidence: Evidence): readonly WhyRow[] {
  const { pods, answeredInAll, carried, wallMs, chooser } = evidence;
  const clusterIpBy = chooser.by === "service" ? chooser.clusterIpBy : "";
  const opensMore = chooser.by === "service" && chooser.opensMore;
  return pods.map((pod) => {
    const own = carried.filter((each) => each.pod === pod.name);
    const sinceMs = Math.min(...own.map((each) => each.sinceMs));
    const reason =
      own.length > 0
        ? gaveText(clusterIpBy, own.length, wallMs - sinceMs)
        : (troubleOf(pod) ?? (opensMore ? NOT_NOW : NEVER));
    return {
      ...missingRow(pod, null, reason),
      ...{ state: own.length > 0 ? "connected" : "not connected", usable: own.length > 0 },
      ...{ source: clusterIpBy, connections: own.length, calls: answeredInAll[pod.name] ?? null },
    };
  });
}

function gaveText(clusterIpBy: string, connections: number, agoMs: number): string {
  const given = connections === 1 ? "its connection" : `${connections} connections, the first`;
  return `${clusterIpBy} gave it ${given} ${seconds(agoMs)} ago`;
}

/** How a Service comes to give a pod connections of this client, or none. */
export function serviceSteps(row: WhyRow, pod: PodFact): readonly WhyStep[] {
  const isReady = pod.inSlice?.isReady === true;
  const connections = row.connections ?? 0;
  return [
    { rule: "may get new connections", effect: `${isReady ? "yes" : "no"}, ${whereText(pod)}` },
    { rule: "connections of this client", effect: count(connections) },
    {
      rule: "next call",
      effect: `${row.usable ? "may go there" : "does not go there"}: ${row.reason}`,
    },
  ];
}

const NEVER = "no connection leads here, and the client opens no other while its own works";
const NOT_NOW = "no connection leads here now; the next one that is opened may";

/** Those that the client was told, and the pods that it was not. */
export function listRows(evidence: Evidence): readonly WhyRow[] {
  const { pods, known, chooser } = evidence;
  const from = chooser.by === "list" ? chooser.from : "static";
  const source = SOURCES[from];
  const byAddress = new Map(known.subchannels.map((each) => [each.address, each]));
  const rows = pods.map((pod) => {
    const subchannel = byAddress.get(pod.inSlice?.address ?? "");
    if (subchannel === undefined) return missingRow(pod, null, listReason(pod, evidence));
    byAddress.delete(subchannel.address);
    const trouble = troubleOf(pod);
    const reason = stateReason(subchannel, from) + (trouble === null ? "" : `; ${trouble}`);
    return subchannelRow(subchannel, pod.name, source, reason);
  });
  // The client may know of pods that the API server has no more.
  const left = [...byAddress.values()].map((subchannel) =>
    subchannelRow(
      subchannel,
      subchannel.address,
      source,
      `${stateReason(subchannel, from)}; ${NO_POD}`,
    ),
  );
  return [...rows, ...left];
}

const NO_POD = "no EndpointSlice has this address any more";

function subchannelRow(
  { address, state, started, succeeded, failed }: SubchannelSeen,
  pod: string,
  source: string,
  reason: string,
): WhyRow {
  const isReady = state === "READY";
  return {
    ...{ pod, via: null, address, state, usable: isReady, reason, source, weight: null },
    ...{ connections: isReady ? 1 : 0, activeCalls: started - succeeded - failed },
    ...{ calls: started, latencyMs: null },
  };
}

function stateReason({ state }: SubchannelSeen, from: keyof typeof SOURCES): string {
  if (state !== "READY") return `is ${state}`;
  return from === "xds" ? "connected" : "connected; round_robin gives it a call in turn";
}

/** Why the client was not told of a pod. */
function listReason(pod: PodFact, { chooser, known, wallMs }: Evidence): string {
  const from = chooser.by === "list" ? chooser.from : "static";
  const trouble = troubleOf(pod);
  if (pod.inSlice === null) return `${trouble ?? "it is"} (${whereText(pod)})`;
  if (!pod.inSlice.isReady && trouble !== null)
    return `${trouble}; so ${SOURCES[from]} names it not`;
  if (from === "static") return `${whereText(pod)}, but the client's list was written before`;
  if (from === "xds") return `${whereText(pod)}; the client does not tell what it was told`;
  return `${whereText(pod)}, but ${lookupText(known.lookup, wallMs, pod)}`;
}

/** When DNS was asked last, and what it said; of one pod where that is given. */
export function lookupText(
  lookup: LookupSeen | null,
  wallMs: number,
  pod: PodFact | null = null,
): string {
  if (lookup === null) return "the client has had no answer of DNS";
  const ago = seconds(wallMs - lookup.atMs);
  const told = `the client last asked DNS ${ago} ago and was told ${counted(lookup.addresses.length, "address")}`;
  if (pod === null) return told;
  const isAmong = lookup.addresses.some((ip) => pod.inSlice?.address.startsWith(`${ip}:`));
  return isAmong
    ? `${told}, this one among them: it connects now`
    : `${told}, this one not among them`;
}

const ENVOY_ASKS = "Envoy, which asks DNS every 5 s, does not know it yet";

/** The endpoints of an Envoy, and the pods that it does not know. */
export function envoyRows({ pods, hosts }: Evidence): readonly WhyRow[] {
  const byAddress = new Map(hosts.map((each) => [each.address, each]));
  return pods.map((pod) => {
    const host = byAddress.get(pod.inSlice?.address ?? "");
    if (host === undefined) {
      const trouble = troubleOf(pod);
      return missingRow(pod, null, `${trouble ?? ENVOY_ASKS} (${whereText(pod)})`);
    }
    const { address, health, isHealthy, weight, connections, activeCalls, calls } = host;
    return {
      ...{ pod: pod.name, via: null, address, state: health, usable: isHealthy },
      ...{ reason: isHealthy ? "healthy, says Envoy" : health, source: "Envoy's cluster" },
      ...{ weight, connections, activeCalls, calls, latencyMs: null },
    };
  });
}

/** What is certain of a lane whose chooser tells nothing: its list, and who answered. */
export function otherRows({ pods, answeredInAll, chooser }: Evidence): readonly WhyRow[] {
  const { who, listed } = chooser.by === "other" ? chooser : { who: "", listed: undefined };
  const list = listed?.() ?? null;
  return pods.map((pod) => {
    const calls = answeredInAll[pod.name] ?? null;
    if (list === null) {
      const reason = troubleOf(pod) ?? `${who} does not tell`;
      return { ...missingRow(pod, null, reason), usable: (calls ?? 0) > 0, calls };
    }
    const isListed = list.includes(pod.inSlice?.address ?? "");
    const where = isListed
      ? `in the configuration of ${who}`
      : `not in the configuration of ${who}`;
    const trouble = troubleOf(pod);
    return {
      ...missingRow(pod, null, trouble === null ? where : `${where}; ${trouble}`),
      ...{ state: isListed ? "listed" : "unknown", usable: isListed, calls },
      source: isListed ? "its configuration" : "none",
    };
  });
}
