/**
 * The command line that repeats a run, as the page shows it. Pure.
 */
import { actionText } from "./actions.ts";
import { type LabOptions, parseLabOptions } from "./options.ts";

/** What differs from the defaults, pods and lanes in any case. */
export function commandText(options: LabOptions): string {
  const { once, seconds, scale, scaleEverySeconds, events, lanes, page, output } = options;
  const usual = parseLabOptions({ once });
  const pods =
    scale.length === 1
      ? `--pods ${scale[0]}`
      : `--scale ${scale.join(",")} --scale-every ${scaleEverySeconds}`;
  const timed = events.map(({ atMs, action }) => `${atMs / 1000}s:${actionText(action)}`);
  const named = (
    flag: string,
    key: "callsPerSecond" | "inFlight" | "podLanguage" | "policy",
  ): string => (options[key] === usual[key] ? "" : `${flag} ${options[key]}`);
  const words = [
    ...["bin/fairlead lab", once ? "--once" : ""],
    ...[seconds === null ? "" : `--seconds ${seconds}`, pods, `--lanes ${lanes.join(",")}`],
    events.length === 0 ? "" : `--events ${timed.join(",")}`,
    ...[named("--load", "callsPerSecond"), named("--in-flight", "inFlight")],
    named("--pod-language", "podLanguage"),
    ...[named("--policy", "policy"), options.hasPeers ? "--peers" : ""],
    ...[options.hasNetns ? "--netns" : "", pageText(page)],
    output === "table" ? "" : `-o ${output}`,
  ];
  return words.filter((word) => word !== "").join(" ");
}

function pageText(page: LabOptions["page"]): string {
  if (page === null) return "--page none";
  if (!page.isExplicit) return "";
  const host = page.host.includes(":") ? `[${page.host}]` : page.host;
  return `--page ${host}:${page.port}`;
}
