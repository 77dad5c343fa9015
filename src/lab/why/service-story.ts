/**
 * The story of a lane whose pods are chosen once for each connection, and what is said of a lane as
 * a whole.
 */
import { counted } from "../figures/number-words.ts";
import type { WhyRow } from "./answer.ts";
import type { Evidence } from "./evidence.ts";
import type { PodFact } from "./pod-facts.ts";
import { policyText } from "./policy-words.ts";
import { lookupText } from "./stock-rows.ts";
import { seconds, whereText } from "./words.ts";

/** Why a pod has connections of this client or none. */
export function serviceClauses(pod: PodFact, evidence: Evidence): readonly string[] {
  const { carried, chooser, wallMs } = evidence;
  const opensMore = chooser.by === "service" && chooser.opensMore;
  const carrier = carrierText(evidence);
  const own = carried.filter((each) => each.pod === pod.name);
  if (own.length > 0 && carried.length === 1) {
    const ago = seconds(wallMs - own[0]!.sinceMs);
    return [
      `the client holds one connection to the ClusterIP, and ${carrier} gave that one to ` +
        `${pod.name} when it was opened, ${ago} ago`,
      "a call opens no connection of its own, so all of them go where this one leads",
    ];
  }
  if (own.length > 0) {
    return [
      `${own.length} of the client's ${counted(carried.length, "connection")} lead to it: ` +
        `${carrier} drew a pod by chance for each when it was opened`,
    ];
  }
  if (pod.state === "gone") return [];
  const next =
    pod.inSlice?.isReady === true
      ? [`it is ready, ${whereText(pod)}, so the ClusterIP may give it the next connection`]
      : ["the ClusterIP gives it no new connection while it is not ready"];
  if (opensMore) return next;
  return [...next, ...heldClauses(evidence)];
}

/** Where the connections are that the client has. */
function heldClauses({ carried, wallMs }: Evidence): readonly string[] {
  const [first] = carried;
  if (first === undefined) return ["the client has no connection now"];
  const ago = seconds(wallMs - first.sinceMs);
  return carried.length === 1
    ? [`the client has one, to ${first.pod} for ${ago}, and opens no other while that works`]
    : [`the client has ${carried.length}, and opens no other while these work`];
}

function carrierText({ chooser }: Evidence): string {
  const isRelay = chooser.by === "service" && chooser.clusterIpBy === "relay";
  return isRelay ? "the relay that stands for kube-proxy" : "the rules of nftables";
}

/** What chooses in a lane, in one or two clauses. */
export function laneClauses(rows: readonly WhyRow[], evidence: Evidence): readonly string[] {
  const { chooser, carried, known, replicas, views, wallMs } = evidence;
  switch (chooser.by) {
    case "service": {
      const carrier = carrierText(evidence);
      return [
        `the client knows the ClusterIP alone: ${carrier} draws a pod by chance for each ` +
          "connection, not for each call",
        ...(chooser.opensMore
          ? [`the client has ${counted(carried.length, "connection")} open now`]
          : heldClauses(evidence)),
      ];
    }
    case "list": {
      const told =
        chooser.from === "dns"
          ? lookupText(known.lookup, wallMs)
          : `the client knows ${counted(known.subchannels.length, "address")} from ${chooser.from}`;
      return chooser.from === "xds" ? [told] : [told, policyText("round_robin")];
    }
    case "channel":
    case "proxies": {
      if (views.length === 0) return ["nobody chooses yet: it has not connected"];
      const usable = new Set(rows.filter((row) => row.usable).map((row) => row.pod)).size;
      const who = chooser.by === "channel" ? "fairlead's channel in the client" : viaText(views);
      return [
        `${who} watches the EndpointSlices and may use ${counted(usable, "pod")} now`,
        ...(replicas.length > 1 ? [replicasText(replicas)] : []),
        `for each call, ${policyText(views[0]!.view.policy)}`,
      ];
    }
    case "envoy":
      return ["Envoy keeps connections to all pods that it knows, and chooses for each call"];
    case "other":
      return [`how ${chooser.who} chooses is not told`];
  }
}

/** "of the client's connections proxy-1 holds 8, proxy-2 0" */
function replicasText(replicas: Evidence["replicas"]): string {
  const parts = replicas.map(({ name, connections }) => `${name} holds ${connections}`);
  return `of the client's connections, ${parts.join(", ")}`;
}

function viaText(views: Evidence["views"]): string {
  const names = views.flatMap(({ via }) => (via === null ? [] : [via]));
  return names.length === 0 ? "fairlead proxy" : `each of ${names.join(" and ")}`;
}
