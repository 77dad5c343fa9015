/**
 * The options of `fairlead lab`: text from the command line to one fully set value, or one clear
 * sentence. It reads nothing but its argument.
 */

/** Lanes that this version can run, in the order they are shown. */
const LANE_NAMES = ["clusterip", "static", "proxy"] as const;
/** The word of a lane. */
export type LaneName = (typeof LANE_NAMES)[number];

/** Where the page listens unless told otherwise. */
const PAGE_DEFAULT = "127.0.0.1:7480";
/** Length of a `--once` run unless told otherwise. */
const SECONDS_DEFAULT = 10;
/** Each pod is a process of some 60 MB; more than this is a mistake. */
const PODS_MAX = 100;
const SECONDS_MAX = 86_400;

/** A value that the lab does not take: one line with the flag, the value and what is allowed. */
export class LabOptionError extends Error {}

/** Where the page listens. */
export interface PageAddress {
  readonly host: string;
  readonly port: number;
  /** True if the user named it: then a port in use is an error, not a reason to try the next. */
  readonly isExplicit: boolean;
}

/** What to run. */
export interface LabOptions {
  readonly once: boolean;
  /** How long the load runs, or null for "until stopped". */
  readonly seconds: number | null;
  readonly pods: number;
  readonly lanes: readonly LaneName[];
  readonly page: PageAddress | null;
  readonly output: "table" | "json";
}

/** The options as commander yields them. */
export interface RawLabOptions {
  readonly once?: boolean;
  readonly seconds?: string;
  readonly pods?: string;
  readonly lanes?: string;
  readonly page?: string;
  readonly netns?: boolean;
  readonly output?: string;
}

/** Checks and completes the options. Throws `LabOptionError`. */
export function parseLabOptions(raw: RawLabOptions): LabOptions {
  if (raw.netns) {
    throw new LabOptionError("--netns: not available yet; the lab uses loopback addresses");
  }
  const once = raw.once ?? false;
  const output = raw.output ?? "table";
  if (output !== "table" && output !== "json") {
    throw new LabOptionError(`--output "${output}": must be table or json`);
  }
  return {
    once,
    seconds: parseSeconds(raw.seconds, once),
    pods: parsePods(raw.pods ?? "12"),
    lanes: parseLanes(raw.lanes),
    page: parsePage(raw.page),
    output,
  };
}

function parseSeconds(text: string | undefined, once: boolean): number | null {
  if (text === undefined) return once ? SECONDS_DEFAULT : null;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds > 0 && seconds <= SECONDS_MAX)) {
    throw new LabOptionError(`--seconds "${text}": must be a number above 0, up to ${SECONDS_MAX}`);
  }
  return seconds;
}

function parsePods(text: string): number {
  const pods = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (pods < 1 || pods > PODS_MAX) {
    throw new LabOptionError(`--pods "${text}": must be a whole number from 1 to ${PODS_MAX}`);
  }
  return pods;
}

function parseLanes(text: string | undefined): readonly LaneName[] {
  if (text === undefined) return LANE_NAMES;
  const names = [...new Set(text.split(",").map((name) => name.trim()))];
  for (const name of names) {
    if (!isLane(name)) {
      throw new LabOptionError(
        `--lanes "${name}": no such lane in this version; there are ${LANE_NAMES.join(", ")}`,
      );
    }
  }
  return names.filter(isLane);
}

function isLane(name: string): name is LaneName {
  return (LANE_NAMES as readonly string[]).includes(name);
}

function parsePage(text: string | undefined): PageAddress | null {
  if (text === "none") return null;
  const match = /^(?:(\[[0-9a-fA-F:.]+\]|[^:[\]\s/]+):)?(\d{1,5})$/.exec(text ?? PAGE_DEFAULT);
  const port = Number(match?.[2]);
  if (!match || port > 65_535) {
    throw new LabOptionError(
      `--page "${text}": must be HOST:PORT, such as ${PAGE_DEFAULT}, or none`,
    );
  }
  const host = (match[1] ?? "127.0.0.1").replace(/^\[|\]$/g, "");
  return { host, port, isExplicit: text !== undefined };
}
