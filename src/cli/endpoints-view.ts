/**
 * An endpoint set for people and programs: the rows of `fairlead endpoints`, as JSON and as text.
 * Pure functions; nothing is resolved here.
 */
import { visibleLines } from "../base/index.ts";
import type { Endpoint, EndpointAssignment, EndpointSet } from "../discovery/index.ts";
import { renderTable } from "../proxy/index.ts";

/** One endpoint as `-o json` prints it. Keys are added, never renamed or dropped. */
export interface EndpointRow {
  readonly address: string;
  readonly addresses: readonly string[];
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Whether new calls may go there. */
  readonly usable: boolean;
  /** The rule that uses it or leaves it out. */
  readonly reason: string;
  readonly pod: string | null;
  readonly uid: string | null;
  readonly node: string | null;
  readonly zone: string | null;
  readonly hints: { readonly nodes: readonly string[]; readonly zones: readonly string[] };
  /** Name of the EndpointSlice; null when it came from elsewhere. */
  readonly slice: string | null;
  /** Who named it, as `why` shows it. */
  readonly source: string;
  /** Share of calls in relation to the others. */
  readonly weight: number;
  /** Cluster, locality, priority and health as an xDS server says them; null from others. */
  readonly assignment: EndpointAssignment | null;
}

/** What `-o json` prints: one document, with -w one for each change. */
export interface EndpointsDocument {
  readonly target: string;
  readonly endpoints: readonly EndpointRow[];
  /** Why there are none; null when there are some. */
  readonly reason: string | null;
  /** Why what is shown may be old or lack something; null when it is as the source has it. */
  readonly stale: string | null;
  /** Rules that hold for all: which port, which hints. */
  readonly notes: readonly string[];
}

const NO_HINTS = { nodes: [], zones: [] };

/** The document of a set; `stale` as in it. Endpoints are sorted by address. */
export function endpointsDocument(
  target: string,
  set: EndpointSet,
  stale: string | null,
): EndpointsDocument {
  const used = set.endpoints.map((each) => rowOf(each, true, each.rule ?? "in the set"));
  const skipped = (set.skipped ?? []).map((each) => rowOf(each.endpoint, false, each.reason));
  const endpoints = [...used, ...skipped].sort(byAddress);
  return { target, endpoints, reason: set.reason ?? null, stale, notes: set.notes ?? [] };
}

function byAddress(a: EndpointRow, b: EndpointRow): number {
  return a.address < b.address ? -1 : a.address > b.address ? 1 : 0;
}

/** What a source without conditions, which lists only what serves, comes to. */
const SERVES = { ready: true, serving: true, terminating: false };
/** The same of an xDS server's words. */
const SERVES_BY_HEALTH: Readonly<Record<EndpointAssignment["health"], typeof SERVES>> = {
  UNKNOWN: SERVES,
  HEALTHY: SERVES,
  DRAINING: { ready: false, serving: true, terminating: true },
  UNHEALTHY: { ready: false, serving: false, terminating: false },
  TIMEOUT: { ready: false, serving: false, terminating: false },
  DEGRADED: { ready: false, serving: true, terminating: false },
};

function rowOf(endpoint: Endpoint, usable: boolean, reason: string): EndpointRow {
  const { conditions, source, assignment } = endpoint;
  const said = assignment === null ? SERVES : SERVES_BY_HEALTH[assignment.health];
  return {
    address: endpoint.address,
    addresses: endpoint.addresses,
    ready: conditions?.ready ?? said.ready,
    serving: conditions?.serving ?? said.serving,
    terminating: conditions?.terminating ?? said.terminating,
    usable,
    reason,
    pod: endpoint.pod,
    uid: endpoint.uid,
    node: endpoint.node,
    zone: endpoint.zone,
    hints: conditions?.hints ?? NO_HINTS,
    slice: /^EndpointSlice (?:.*\/)?([^/]+)$/.exec(source)?.[1] ?? null,
    source,
    weight: endpoint.weight,
    assignment,
  };
}

/** What of a row is shown: as EndpointSlices have it, or as an xDS server says it. */
interface Shape {
  readonly headers: readonly string[];
  cells(row: EndpointRow): string[];
}

const WIDE = ["UID", "OTHER ADDRESSES"];
const RIGHT: ReadonlySet<string> = new Set(["PRIORITY", "WEIGHT"]);

const SLICES: Shape = {
  headers: ["ADDRESS", "READY", "SERVING", "TERMINATING", "ZONE", "HINT", "NODE", "SLICE"].concat(
    ...["POD", "USABLE", "REASON"],
  ),
  cells: (row) => {
    const hints = [...row.hints.nodes, ...row.hints.zones].join(",");
    return [
      row.address,
      yesNo(row.ready),
      yesNo(row.serving),
      yesNo(row.terminating),
      row.zone ?? "-",
      hints === "" ? "-" : hints,
      row.node ?? "-",
      row.slice ?? row.source,
      row.pod ?? "-",
      yesNo(row.usable),
      row.reason,
    ];
  },
};

const ASSIGNED: Shape = {
  headers: ["ADDRESS", "CLUSTER", "LOCALITY", "PRIORITY", "HEALTH", "WEIGHT", "NODE"].concat(
    ...["POD", "USABLE", "REASON"],
  ),
  cells: ({ assignment: said, ...row }) => [
    row.address,
    said?.cluster ?? "-",
    said?.locality || "-",
    said === null ? "-" : String(said.priority),
    said?.health ?? "-",
    String(Number(row.weight.toFixed(3))),
    row.node ?? "-",
    row.pod ?? "-",
    yesNo(row.usable),
    row.reason,
  ],
};

function shapeOf(...documents: readonly EndpointsDocument[]): Shape {
  const isAssigned = documents.some(({ endpoints }) =>
    endpoints.some(({ assignment }) => assignment !== null),
  );
  return isAssigned ? ASSIGNED : SLICES;
}

/** One line of summary, and the table. @param before lines that stand between the two. */
export function renderEndpoints(
  document: EndpointsDocument,
  isWide: boolean,
  before: readonly string[] = [],
): string {
  const { endpoints, notes, stale } = document;
  const lines = [summary(document), ...notes];
  if (stale !== null) lines.push(`may be out of date: ${stale}`);
  lines.push(...before);
  if (endpoints.length > 0) {
    const shape = shapeOf(document);
    const rows = endpoints.map(cellsOf(shape, isWide));
    lines.push("", ...renderTable(headers(shape, isWide), RIGHT, rows));
  }
  return visibleLines(lines);
}

/**
 * What changed between two documents: a line of summary with the time, and the rows that came (+),
 * changed (~) and went (-). "" when nothing that is shown has changed.
 */
export function renderChange(
  before: EndpointsDocument,
  after: EndpointsDocument,
  isWide: boolean,
  time: string,
): string {
  const shape = shapeOf(before, after);
  const cells = cellsOf(shape, isWide);
  const was = new Map(before.endpoints.map((row) => [rowKey(row), cells(row)]));
  const rows: string[][] = [];
  for (const row of after.endpoints) {
    const now = cells(row);
    const old = was.get(rowKey(row));
    was.delete(rowKey(row));
    if (old === undefined) rows.push(["+", ...now]);
    else if (old.join("\0") !== now.join("\0")) rows.push(["~", ...now]);
  }
  for (const old of was.values()) rows.push(["-", ...old]);
  if (rows.length === 0 && before.reason === after.reason) return "";
  const table = rows.length === 0 ? [] : renderTable(["", ...headers(shape, isWide)], RIGHT, rows);
  return visibleLines(["", `${time}   ${summary(after)}`, ...table]);
}

function rowKey({ address, uid, source }: EndpointRow): string {
  return [address, uid, source].join("\0");
}

function summary({ target, endpoints, reason }: EndpointsDocument): string {
  const usable = endpoints.filter((row) => row.usable).length;
  const why = reason === null ? "" : `   ${reason}`;
  const noun = endpoints.length === 1 ? "endpoint" : "endpoints";
  return `target ${target}   ${usable} of ${endpoints.length} ${noun} usable${why}`;
}

function headers({ headers }: Shape, isWide: boolean): readonly string[] {
  return isWide ? [...headers, ...WIDE] : headers;
}

function cellsOf({ cells }: Shape, isWide: boolean): (row: EndpointRow) => string[] {
  return (row) => {
    if (!isWide) return cells(row);
    const others = row.addresses.slice(1).join(",");
    return [...cells(row), row.uid ?? "-", others === "" ? "-" : others];
  };
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}
