/**
 * A lane's figures since the start of the load, those of its proxies where they may be several, and
 * each pod's share as a table for whoever wants to read it.
 */

import { useState } from "preact/hooks";
import { percentText } from "../../src/lab/figures/number-words.ts";
import type { LaneSample, Sample } from "../../src/lab/page/page-feed.ts";
import type { ReplicaView } from "../../src/lab/view.ts";
import { millis, standing } from "../words.ts";

/** Properties of `Figures`. */
export interface FiguresProps {
  readonly lane: LaneSample;
  readonly pods: Sample["pods"];
}

/** Draws them. */
export function Figures({ lane, pods }: FiguresProps) {
  const current = lane.perPod.filter((calls) => calls !== null).length;
  const figures: readonly [string, string][] = [
    ["pods used", `${lane.podsUsed}/${current}`],
    ["max/mean", lane.maxOverMean === null ? "–" : `${lane.maxOverMean.toFixed(2)}×`],
    ["fairness", lane.fairness === null ? "–" : lane.fairness.toFixed(2)],
    ["connections", String(lane.connections)],
    ["p50", millis(lane.p50Ms)],
    ["p99", millis(lane.p99Ms)],
    ["failed", lane.failed === 0 ? "0" : `✕ ${lane.failed.toLocaleString("en")}`],
    ["calls/s", lane.callsPerSecond.toLocaleString("en")],
    ["new pod", newPod(lane)],
    ["calls", lane.calls.toLocaleString("en")],
  ];
  return (
    <div class="numbers">
      <dl class="figures">
        {figures.map(([name, value]) => (
          <div key={name} data-figure={name} class={/^[✕!]/.test(value) ? "alarm" : ""}>
            <dt title={EXPLAINED[name]}>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {lane.replicas && <Replicas replicas={lane.replicas} />}
      <ShareTable lane={lane} pods={pods} />
    </div>
  );
}

const EXPLAINED: Readonly<Record<string, string>> = {
  "max/mean": "calls of the busiest pod over the mean of all pods: 1 is even",
  fairness: "Jain's index: 1 is even, 1/pods is one pod with everything",
  "new pod": "from a new pod's being ready to its first call here",
  connections: "open TCP connections of the client",
};

/** How soon the latest new pod got its first call, or for how long one has waited. */
function newPod({ firstCallOfNewPodMs, newPodWaitsMs }: LaneSample): string {
  if (newPodWaitsMs !== null) return `! ${millis(newPodWaitsMs)}`;
  return firstCallOfNewPodMs === null ? "–" : millis(firstCallOfNewPodMs);
}

/** One proxy a row: a replica that gets nothing is seen to get nothing. */
function Replicas({ replicas }: { readonly replicas: readonly ReplicaView[] }) {
  return (
    <table class="plain">
      <thead>
        <tr>
          <th scope="col">replica</th>
          <th scope="col">connections</th>
          <th scope="col">calls/s</th>
          <th scope="col">calls</th>
        </tr>
      </thead>
      <tbody>
        {replicas.map(({ name, connections, callsPerSecond, calls }) => (
          <tr key={name} class={connections === 0 ? "idle" : ""}>
            <th scope="row">{name}</th>
            <td>{connections}</td>
            <td>{callsPerSecond}</td>
            <td>{calls.toLocaleString("en")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Closed at first: a table of many rows costs more than all drawings. */
function ShareTable({ lane, pods }: FiguresProps) {
  const [isOpen, open] = useState(false);
  const sum = lane.perPod.reduce<number>((total, calls) => total + (calls ?? 0), 0);
  return (
    <details class="as-table" onToggle={(event) => open(event.currentTarget.open)}>
      <summary>each pod as a table</summary>
      {isOpen && (
        <table class="plain shares">
          <thead>
            <tr>
              <th scope="col">pod</th>
              <th scope="col">state</th>
              <th scope="col">calls</th>
              <th scope="col">share</th>
            </tr>
          </thead>
          <tbody>
            {pods.map((pod, row) => {
              const calls = lane.perPod[row] ?? null;
              return (
                <tr key={pod.name} class={calls ? "" : "idle"}>
                  <th scope="row">{pod.name}</th>
                  <td>{standing(pod, lane.ejected) || "ready"}</td>
                  <td>{calls?.toLocaleString("en") ?? "–"}</td>
                  <td>{calls === null || sum === 0 ? "–" : percentText(calls / sum)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </details>
  );
}
