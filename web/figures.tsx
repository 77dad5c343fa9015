/**
 * A lane's figures since the start of the load, and those of its proxies where they may be several.
 */
import type { LaneSample } from "../src/lab/page/page-feed.ts";
import type { ReplicaView } from "../src/lab/view.ts";
import { millis } from "./words.ts";

/** Draws them. */
export function Figures({ lane }: { readonly lane: LaneSample }) {
  const figures: readonly [string, string][] = [
    ["max/mean", lane.maxOverMean === null ? "–" : `${lane.maxOverMean.toFixed(2)}x`],
    ["fairness", lane.fairness === null ? "–" : lane.fairness.toFixed(2)],
    ["p50", millis(lane.p50Ms)],
    ["p99", millis(lane.p99Ms)],
    ["calls", lane.calls.toLocaleString("en")],
    ["calls/s", String(lane.callsPerSecond)],
    ["failed", lane.failed === 0 ? "0" : `✕ ${lane.failed.toLocaleString("en")}`],
    ["connections", String(lane.connections)],
  ];
  return (
    <div>
      <dl class="figures">
        {figures.map(([name, value]) => (
          <div key={name} data-figure={name} class={value.startsWith("✕") ? "alarm" : ""}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {lane.replicas && <Replicas replicas={lane.replicas} />}
    </div>
  );
}

/** One proxy a row: a replica that gets nothing is seen to get nothing. */
function Replicas({ replicas }: { readonly replicas: readonly ReplicaView[] }) {
  return (
    <table class="replicas">
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
