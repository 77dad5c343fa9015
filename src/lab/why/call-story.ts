/**
 * What made a call go where it went, in sentences: what is certain of that one call, and no more.
 */
import { latencyText } from "../figures/number-words.ts";
import type { Evidence } from "./evidence.ts";
import type { CallSeen } from "./messages.ts";
import { policyText } from "./policy-words.ts";
import { seconds, sentence, troubleOf } from "./words.ts";

/** One to three sentences. */
export function callStory(call: CallSeen, evidence: Evidence): readonly string[] {
  const { pods } = evidence;
  const pod = pods.find(({ name }) => name === call.pod);
  const trouble = pod === undefined ? null : troubleOf(pod);
  const took = `${call.pod} answered after ${latencyText(call.latencyMs)}`;
  const end = call.failure === "" ? took : `it failed: ${call.failure}`;
  const clauses = [...choiceClauses(call, evidence), end];
  return (trouble === null ? clauses : [...clauses, `of ${call.pod} now: ${trouble}`]).map(
    sentence,
  );
}

function choiceClauses(call: CallSeen, evidence: Evidence): readonly string[] {
  const { chooser, carried, known, views, wallMs } = evidence;
  const to = call.peer === "" ? "" : ` to ${call.peer}`;
  switch (chooser.by) {
    case "service": {
      const own = carried.filter((each) => each.pod === call.pod);
      if (own.length === 1 && carried.length === 1) {
        const ago = seconds(wallMs - own[0]!.sinceMs);
        return [
          `it used the client's only connection${to}, which leads to ${call.pod} since ${ago}: ` +
            "nobody chose for this call",
        ];
      }
      return [
        `it used one of the client's connections${to} (it has ${carried.length} now); nobody chose for it`,
      ];
    }
    case "list":
      return chooser.from === "xds"
        ? [`the client chose the pod itself${to === "" ? "" : `, by its connection${to}`}`]
        : [`grpc-js took the connection${to}: the next in the turn of round_robin`];
    case "channel": {
      const policy = views[0]?.view.policy ?? "the policy";
      return [
        `fairlead's channel chose the connection${to} by ${policy}`,
        ...(policyText(policy) === "" ? [] : [policyText(policy)]),
      ];
    }
    case "proxies": {
      const policy = views[0]?.view.policy;
      const by = policy === undefined ? "" : ` by ${policy}`;
      const proxy = known.sockets.length === 1 ? "its only connection" : "one of its connections";
      return [`the client used ${proxy}${to}; fairlead proxy chose the pod for this call${by}`];
    }
    case "envoy":
      return [`the client used its connection${to}; Envoy chose the pod for this call`];
    case "other":
      return [`it went over a connection${to}; how ${chooser.who} chose the pod is not told`];
  }
}
