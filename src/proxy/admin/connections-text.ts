/**
 * Client connections as text: the tables of `GET /connections` and `fairlead why --connections`.
 * Pure functions.
 */
import { visibleLines } from "../../base/index.ts";
import type { ConnectionsView, ConnectionView, PeerView, ShedView } from "../nesting/index.ts";
import { renderTable } from "./text.ts";

const CONNECTION_HEADERS = [
  "REMOTE",
  "WORKER",
  "STATE",
  "AGE",
  "ACTIVE",
  "CALLS",
  "CALLS/S",
  "REASON",
];
const PEER_HEADERS = ["PEER", "STATE", "CONNECTIONS", "CALLS/S", "AGE", "REASON"];
const SHED_HEADERS = ["SHED AT", "REMOTE", "AGE", "ACTIVE", "CALLS/S", "LOAD", "MEAN", "SPREAD"];
const RIGHT = new Set(["AGE", "ACTIVE", "CALLS", "CALLS/S", "CONNECTIONS", "LOAD", "MEAN"]);

/** What the replica makes of its peers, the peers, the last sheds, and the connections. */
export function renderConnections(view: ConnectionsView): string {
  const { balance, peers, sheds, connections } = view;
  const lines: string[] = [];
  if (view.instance === null) lines.push("no peers are known (--peers)");
  else {
    lines.push(`replica ${view.instance}   ${balance?.verdict ?? "starting"}`);
    if (balance !== null) {
      const { load, mean, replicas } = balance;
      lines.push(`load ${load.toFixed(1)} calls/s   mean of ${replicas} ${mean.toFixed(1)}`);
      lines.push(balance.reason);
    }
  }
  if (peers.length > 0) lines.push("", ...renderTable(PEER_HEADERS, RIGHT, peers.map(peerRow)));
  if (sheds.length > 0) lines.push("", ...renderTable(SHED_HEADERS, RIGHT, sheds.map(shedRow)));
  const noun = connections.length === 1 ? "client connection" : "client connections";
  lines.push("", `${connections.length} ${noun}`);
  if (connections.length > 0) {
    lines.push(...renderTable(CONNECTION_HEADERS, RIGHT, connections.map(connectionRow)));
  }
  return visibleLines(lines);
}

function peerRow(peer: PeerView): string[] {
  return [
    peer.address,
    peer.state,
    peer.connections === null ? "-" : String(peer.connections),
    peer.callsPerSecond === null ? "-" : peer.callsPerSecond.toFixed(1),
    peer.ageMs === null ? "-" : secondsText(peer.ageMs),
    peer.reason,
  ];
}

function shedRow(shed: ShedView): string[] {
  return [
    shed.at,
    shed.remote,
    secondsText(shed.ageMs),
    String(shed.activeCalls),
    shed.callsPerSecond.toFixed(1),
    shed.load.toFixed(1),
    shed.mean.toFixed(1),
    `${shed.spreadBefore.toFixed(3)} -> ${shed.spreadAfter.toFixed(3)}`,
  ];
}

function connectionRow(connection: ConnectionView): string[] {
  return [
    connection.remote,
    connection.worker === 0 ? "-" : String(connection.worker),
    connection.state,
    secondsText(connection.ageMs),
    String(connection.activeCalls),
    String(connection.calls),
    connection.callsPerSecond.toFixed(1),
    connection.reason,
  ];
}

function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(1)}s`;
}
