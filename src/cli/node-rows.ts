/**
 * Nodes of a control plane and how each type of resource stands at them: what `proxy-status` reads,
 * and the table it prints. Pure functions.
 */
import { visibleLines } from "../base/index.ts";
import { renderTable } from "../proxy/index.ts";
import { at, numberAt, textAt, textsAt } from "./json-paths.ts";

/** In the order of the columns. */
const TYPES = ["CDS", "EDS", "LDS", "RDS", "SDS"] as const;

/** How one type stands at a node. Keys are added, never renamed or dropped. */
export interface TypeStatus {
  readonly type: string;
  /** "SYNCED", "STALE" (sent or due, not acknowledged), "NOT SENT", "NACKED". */
  readonly state: string;
  readonly version: string | null;
  /** From sending to acknowledgement; null where it was not told. */
  readonly ackLagMs: number | null;
  readonly resources: number | null;
  readonly subscribed: number | null;
  readonly nacks: number | null;
  /** Of a NACK. */
  readonly error: string | null;
  /** What was asked for and this node cannot do or have. */
  readonly problems: readonly string[];
}

/** One node, or one stream of it. */
export interface NodeStatus {
  readonly id: string;
  readonly kind: string | null;
  readonly userAgent: string | null;
  readonly address: string | null;
  readonly zone: string | null;
  readonly protocol: string | null;
  readonly connectedMs: number | null;
  readonly types: readonly TypeStatus[];
}

/** The nodes in an answer to `GET /nodes?format=json`; null when it is none. */
export function nodesOf(said: unknown): NodeStatus[] | null {
  const list = at(said, "nodes");
  if (!Array.isArray(list) || !list.every(isNode)) return null;
  return list.map((node) => ({
    id: textAt(node, "id") ?? "",
    kind: textAt(node, "kind"),
    userAgent: textAt(node, "userAgent"),
    address: textAt(node, "address"),
    zone: textAt(node, "zone"),
    protocol: textAt(node, "protocol"),
    connectedMs: numberAt(node, "connectedMs"),
    types: Object.entries(at(node, "types") ?? {}).map(([type, status]) => ({
      type,
      state: textAt(status, "state") ?? "UNKNOWN",
      version: textAt(status, "version"),
      ackLagMs: numberAt(status, "ackLagMs"),
      resources: numberAt(status, "resources"),
      subscribed: numberAt(status, "subscribed"),
      nacks: numberAt(status, "nacks"),
      error: textAt(status, "error"),
      problems: textsAt(status, "problems"),
    })),
  }));
}

/** What another program calls nodes is not taken for nodes that have acknowledged everything. */
function isNode(node: unknown): boolean {
  const [id, types] = [at(node, "id"), at(node, "types")];
  if (typeof id !== "string" || typeof types !== "object" || types === null) return false;
  if (Array.isArray(types)) return false;
  return Object.values(types).every((status) => textAt(status, "state") !== null);
}

/** Whether a type of any node is in this state. */
export function hasState(nodes: readonly NodeStatus[], state: string): boolean {
  return nodes.some(({ types }) => types.some((type) => type.state === state));
}

const HEADERS = ["NAME", "KIND", "AGENT", "ZONE", ...TYPES, "ACK LAG", "CONNECTED"];
const WIDE_HEADERS = [
  "NAME",
  "TYPE",
  "STATE",
  "ACK LAG",
  "RESOURCES",
  "SUBSCRIBED",
  "NACKS",
].concat("VERSION");
const RIGHT = new Set(["ACK LAG", "CONNECTED", "RESOURCES", "SUBSCRIBED", "NACKS"]);

/** One line of summary, a row a node (`isWide`: a row a type), and below what went wrong. */
export function renderNodes(all: readonly NodeStatus[], isWide: boolean): string {
  const nodes = toldApart(all);
  const lines = [summary(nodes)];
  if (nodes.length > 0) {
    const rows = isWide ? nodes.flatMap(wideRows) : nodes.map(nodeRow);
    lines.push("", ...renderTable(isWide ? WIDE_HEADERS : HEADERS, RIGHT, rows));
  }
  const troubles = nodes.flatMap(troublesOf);
  if (troubles.length > 0) lines.push("", ...troubles);
  return visibleLines(lines);
}

/** Programs with one bootstrap file have one id: by their addresses they are others. */
function toldApart(nodes: readonly NodeStatus[]): readonly NodeStatus[] {
  const counts = new Map<string, number>();
  for (const { id } of nodes) counts.set(id, (counts.get(id) ?? 0) + 1);
  return nodes.map((node) => {
    if (counts.get(node.id) === 1 || node.address === null) return node;
    return { ...node, id: `${node.id} (${node.address})` };
  });
}

function summary(nodes: readonly NodeStatus[]): string {
  const types = nodes.flatMap((node) => node.types);
  const counts = ["NACKED", "STALE", "NOT SENT"].flatMap((state) => {
    const count = types.filter((type) => type.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  const noun = nodes.length === 1 ? "node" : "nodes";
  const health = counts.length > 0 ? counts.join(", ") : "all SYNCED";
  return `${nodes.length} ${noun}   ${nodes.length === 0 ? "none is connected" : health}`;
}

function nodeRow(node: NodeStatus): string[] {
  const lags = node.types.flatMap(({ ackLagMs }) => (ackLagMs === null ? [] : [ackLagMs]));
  return [
    node.id,
    node.kind ?? "-",
    node.userAgent ?? "-",
    node.zone ?? "-",
    ...TYPES.map((type) => node.types.find((one) => one.type === type)?.state ?? "-"),
    lags.length === 0 ? "-" : `${Math.max(...lags)}ms`,
    node.connectedMs === null ? "-" : `${(node.connectedMs / 1000).toFixed(0)}s`,
  ];
}

function wideRows(node: NodeStatus): string[][] {
  return node.types.map((type) => [
    node.id,
    type.type,
    type.state,
    type.ackLagMs === null ? "-" : `${type.ackLagMs}ms`,
    String(type.resources ?? "-"),
    String(type.subscribed ?? "-"),
    String(type.nacks ?? "-"),
    type.version ?? "-",
  ]);
}

function troublesOf(node: NodeStatus): string[] {
  return node.types.flatMap(({ type, error, problems }) => [
    ...(error === null ? [] : [`${node.id} ${type} was refused: ${error}`]),
    ...problems.map((problem) => `${node.id} ${type}: ${problem}`),
  ]);
}
