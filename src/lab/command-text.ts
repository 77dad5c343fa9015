/**
 * The command lines that the page shows: the one that repeats a run, and the one of a new lab that
 * does by itself what was done to this one. Pure.
 */
import { actionText, isActionText, type TimedAction } from "./actions.ts";
import { type LabOptions, parseLabOptions } from "./options.ts";
import type { LabEvent } from "./view.ts";

/** So many of the latest things that were done are in a command line that can still be read. */
const DONE_MAX = 8;

/** Repeats a run: what differs from the defaults, pods and lanes in any case. */
export function commandText(options: LabOptions): string {
  const { once, seconds, awaitsOutcomes, scale, scaleEverySeconds, events, page, output } = options;
  const pods =
    scale.length === 1
      ? `--pods ${scale[0]}`
      : `--scale ${scale.join(",")} --scale-every ${scaleEverySeconds}`;
  return joined([
    once ? "--once" : "",
    seconds === null || awaitsOutcomes ? "" : `--seconds ${seconds}`,
    ...[pods, lanesText(options), eventsText(events.map(timedText)), ...settings(options)],
    ...[pageText(page), output === "table" ? "" : `-o ${output}`],
  ]);
}

/**
 * A new lab beside this one, until it is stopped: what was done to this one since its start or
 * reset, by hand or not, and what is still to come. `--scale` is among that. This one holds the
 * port of its page, and how long it runs and what it prints is no matter of what it shows.
 */
export function newLabText(
  options: LabOptions,
  done: readonly Pick<LabEvent, "atMs" | "event" | "isOutcome">[],
  toCome: readonly TimedAction[],
): string {
  const asked = done.filter(({ event, isOutcome }) => !isOutcome && isActionText(event));
  const latest = asked.slice(-DONE_MAX).map(({ atMs, event }) => `${secondsText(atMs)}:${event}`);
  const later = toCome.map(({ atMs, action }) => `${secondsText(atMs)}:${actionText(action)}`);
  return joined([
    ...[`--pods ${options.scale[0]}`, lanesText(options), ...settings(options)],
    eventsText([...latest, ...later]),
  ]);
}

function joined(words: readonly string[]): string {
  return ["bin/fairlead lab", ...words].filter((word) => word !== "").join(" ");
}

function lanesText({ lanes }: LabOptions): string {
  return `--lanes ${lanes.join(",")}`;
}

function eventsText(timed: readonly string[]): string {
  return timed.length === 0 ? "" : `--events ${timed.join(",")}`;
}

function timedText({ atMs, action }: TimedAction): string {
  return `${atMs / 1000}s:${actionText(action)}`;
}

/** "3s", "2.5s": to a tenth, for what was done by hand or a few ms after its time. */
function secondsText(atMs: number): string {
  return `${Number((atMs / 1000).toFixed(1))}s`;
}

function settings(options: LabOptions): readonly string[] {
  const usual = parseLabOptions({});
  const named = (
    flag: string,
    key: "callsPerSecond" | "inFlight" | "podLanguage" | "policy",
  ): string => (options[key] === usual[key] ? "" : `${flag} ${options[key]}`);
  return [
    ...[named("--load", "callsPerSecond"), named("--in-flight", "inFlight")],
    ...[named("--pod-language", "podLanguage"), named("--policy", "policy")],
    ...[options.hasPeers ? "--peers" : "", options.hasNetns ? "--netns" : ""],
  ];
}

function pageText(page: LabOptions["page"]): string {
  if (page === null) return "--page none";
  if (!page.isExplicit) return "";
  const host = page.host.includes(":") ? `[${page.host}]` : page.host;
  return `--page ${host}:${page.port}`;
}
