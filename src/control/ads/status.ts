/**
 * How every connected node stands, as plain data: for `GET /nodes`, `fairlead proxy-status` and
 * CSDS.
 */
import { type ResourceType, shortTypeName } from "../../xds/index.ts";
import type { NodeKind, SnapshotSource } from "../resources.ts";
import { shown } from "./node-info.ts";
import type { Absences, AdsStream } from "./stream.ts";
import type { Subscription, SyncState } from "./subscription.ts";

/**
 * `GET /nodes?format=json` of the admin endpoint: one row for each stream of discovery, in the
 * order in which they came. Example:
 *
 *     {"generation": 7, "nodes": [{"id": "web-1", "kind": "grpc", "agent": "grpc",
 *      "userAgent": "grpc-go 1.85.0", "address": "10.0.0.9:40000", "namespace": "prod",
 *      "zone": "a", "gateway": null, "protocol": "sotw", "connectedMs": 81234,
 *      "types": {"EDS": {"state": "SYNCED", "version": "00c1...", "ackLagMs": 2, "resources": 1,
 *       "subscribed": 1, "error": "", "problems": [], "nacks": 0, "messages": 3, "bytes": 512}}}]}
 */
export interface NodesView {
  readonly generation: number;
  readonly nodes: readonly NodeView[];
}

/** One stream of one node. */
export interface NodeView {
  readonly id: string;
  readonly kind: NodeKind;
  readonly agent: "envoy" | "fairlead" | "grpc";
  readonly userAgent: string;
  /** "ip:port" of the peer. */
  readonly address: string;
  readonly namespace: string;
  /** By which its endpoints are chosen: its own word, or that of its Kubernetes node. */
  readonly zone: string | null;
  readonly gateway: string | null;
  readonly protocol: "sotw" | "delta";
  /** How long it has been connected. */
  readonly connectedMs: number;
  /** By "LDS", "RDS", "CDS", "EDS", "SDS": those that it has asked for. */
  readonly types: Readonly<Record<string, NodeTypeView>>;
}

/** How one type stands at a node. */
export interface NodeTypeView {
  readonly state: SyncState;
  /** What was acknowledged last; "" for nothing. */
  readonly version: string;
  /** From sending to acknowledgement, of the last push that was answered; null before. */
  readonly ackLagMs: number | null;
  /** What the node has been told. */
  readonly resources: number;
  /** Names that it asks for. */
  readonly subscribed: number;
  /** Of the last NACK; "" when something was acknowledged since. */
  readonly error: string;
  /** What was asked for and this node cannot do or have, "NAME: reason". */
  readonly problems: readonly string[];
  readonly nacks: number;
  readonly messages: number;
  readonly bytes: number;
}

/** Problems shown of one type; one more line says how many there are. */
const PROBLEMS_SHOWN_MAX = 20;

/** One row; null of a stream whose node has not spoken yet. */
export function nodeView(
  stream: AdsStream,
  nowMs: number,
  source: Pick<SnapshotSource, "zoneOf">,
): NodeView | null {
  const { node } = stream;
  if (node === null) return null;
  const types: Record<string, NodeTypeView> = {};
  for (const [type, subscription] of stream.subscriptions) {
    types[shortTypeName(type) ?? type] = typeView(stream, type, subscription);
  }
  return {
    id: node.id,
    kind: node.kind,
    agent: node.agent,
    userAgent: node.userAgent,
    address: stream.call.remote,
    namespace: node.namespace,
    zone: source.zoneOf(node),
    gateway: node.gateway,
    protocol: stream.isDelta ? "delta" : "sotw",
    connectedMs: Math.round(nowMs - stream.startedMs),
    types,
  };
}

function typeView(stream: AdsStream, type: ResourceType, one: Subscription): NodeTypeView {
  return {
    state: one.state,
    version: one.ackedVersion,
    ackLagMs: Number.isNaN(one.ackLagMs) ? null : Math.round(one.ackLagMs),
    resources: one.sent.size,
    subscribed: one.subscribedCount,
    error: one.error,
    problems: problemsOf(stream, type, one),
    nacks: one.nacks,
    messages: one.messages,
    bytes: one.bytes,
  };
}

/** The first of them; one look is cheap, whatever a node asks for. */
function problemsOf(stream: AdsStream, type: ResourceType, one: Subscription): string[] {
  const refused = stream.refused.get(type) ?? new Set();
  const absent = stream.absences(one, PROBLEMS_SHOWN_MAX);
  const problems: string[] = [];
  for (const text of problemTexts(refused, absent, one)) {
    if (problems.length === PROBLEMS_SHOWN_MAX) break;
    problems.push(text);
  }
  const more = refused.size + absent.count + one.problemCount - problems.length;
  if (more > 0) problems.push(`and ${more} more`);
  return problems;
}

function* problemTexts(
  refused: Iterable<string>,
  absent: Absences,
  { sent, problemCount }: Subscription,
): Generator<string> {
  for (const name of refused) {
    yield `${name}: not exported to the namespaces of its certificate`;
  }
  for (const [name, reason] of absent.shown) {
    yield name === "*" ? reason : `${shown(name)}: ${reason}`;
  }
  let left = problemCount;
  for (const { name, problems } of left > 0 ? sent.values() : []) {
    for (const text of problems) yield `${name}: ${text}`;
    left -= problems.length;
    if (left === 0) return;
  }
}
