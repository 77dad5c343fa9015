/** What was captured, as people read it: a line for each destination. */
import type { CaptureView } from "../capture/index.ts";

/** The text of `/capture`. */
export function renderCapture(view: CaptureView): string {
  const head = [
    `known destinations: ${view.knownDestinations}`,
    `connections that pass through now: ${view.passthroughConnections}`,
  ];
  const width = Math.max(0, ...view.decisions.map(({ destination }) => destination.length));
  const lines = view.decisions.map(
    ({ destination, listener, outcome, reason, connections }) =>
      `${destination.padEnd(width)}  ${outcome.padEnd(11)}  ${connections}x  ` +
      `${reason}${listener === null ? "" : ` (${listener})`}`,
  );
  return `${[...head, ...lines].join("\n")}\n`;
}
