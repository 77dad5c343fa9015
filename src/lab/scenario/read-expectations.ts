/** What a scenario says is to be seen: lane, time, figures. Pure. */
import { BOUND_FORMS, parseBound } from "./bound.ts";
import { MOMENT_FORMS, momentMs, parseMoment } from "./moment.ts";
import { PATTERN_FORM, parsePattern } from "./pattern.ts";
import {
  type Claim,
  EXPECTATIONS_MAX,
  type Expectation,
  MEASURES,
  type MeasureName,
  type Moment,
  type PodChoice,
  SCENARIO_LANES_MAX,
  type ScenarioLane,
  TEXT_CHARS_MAX,
  type Timing,
} from "./scenario.ts";
import type { YamlValue } from "./yaml-value.ts";

const KEYS = ["lane", "from", "at", "form", "that", "because"] as const;
/** Measures whose value is a text. */
const TEXTS: readonly MeasureName[] = ["verdict"];

/** All of them, one for each lane that an entry names. */
export function readExpectations(
  value: YamlValue | undefined,
  lanes: readonly ScenarioLane[],
  timings: readonly Timing[],
): readonly Expectation[] {
  const entries = value?.list("expectations: {lane, that}", EXPECTATIONS_MAX) ?? [];
  if (value?.isList && entries.length === 0) value.refuse("one expectation at least");
  return entries.flatMap((entry) => expectationsOf(entry, lanes, timings));
}

function expectationsOf(
  entry: YamlValue,
  lanes: readonly ScenarioLane[],
  timings: readonly Timing[],
): readonly Expectation[] {
  const fields = entry.fields(KEYS);
  if (fields === undefined) return [];
  const { lane, that, because } = fields;
  if (lane === undefined) entry.fault(`${entry.key}: lane is missing`);
  if (that === undefined) entry.fault(`${entry.key}: that is missing`);
  const names = lane === undefined ? [] : readLaneNames(lane, lanes);
  const from = fields.from?.parsed(MOMENT_FORMS, parseMoment) ?? null;
  const at = fields.at?.parsed(MOMENT_FORMS, parseMoment) ?? { kind: "end" as const };
  checkTimes(fields, { from, at }, timings);
  const claims = that === undefined ? [] : readClaims(that, lanes);
  const isFullOnly = fields.form?.oneOf(["full", "both"]) === "full";
  const reason = because?.text(TEXT_CHARS_MAX) ?? "";
  return names.map((name) => ({ lane: name, from, at, claims, isFullOnly, because: reason }));
}

function readLaneNames(value: YamlValue, lanes: readonly ScenarioLane[]): readonly string[] {
  const values = value.isList ? (value.list("lanes", SCENARIO_LANES_MAX) ?? []) : [value];
  const names = lanes.map(({ name }) => name);
  // What is wrong with the lanes themselves is told already.
  if (names.length === 0) return [];
  return values.map((each) => each.oneOf(names)).filter((name) => name !== undefined);
}

function checkTimes(
  values: { readonly from?: YamlValue; readonly at?: YamlValue },
  { from, at }: { readonly from: Moment | null; readonly at: Moment },
  timings: readonly Timing[],
): void {
  for (const { seconds } of timings) {
    const atMs = momentMs(at, seconds);
    if (atMs > seconds * 1000) {
      values.at?.refuse(`within the load, which ends at ${seconds} s`);
      return;
    }
    if (from !== null && momentMs(from, seconds) >= atMs) {
      values.from?.refuse(`before at, which is at ${atMs / 1000} s of ${seconds} s`);
      return;
    }
  }
}

function readClaims(value: YamlValue, lanes: readonly ScenarioLane[]): readonly Claim[] {
  const fields = value.fields(MEASURES);
  if (fields === undefined) return [];
  const entries = Object.entries(fields) as [MeasureName, YamlValue][];
  if (entries.length === 0) value.refuse(`one figure at least: ${MEASURES.join(", ")}`);
  return entries.flatMap(([measure, each]) => {
    if (measure === "share") return readShares(each);
    return [
      TEXTS.includes(measure) ? readPattern(measure, each) : readNumber(measure, each, lanes),
    ];
  });
}

const NOTHING = { pod: null, bound: null, pattern: null, over: null };

function readNumber(measure: MeasureName, value: YamlValue, lanes: readonly ScenarioLane[]): Claim {
  if (!value.isMapping) {
    return { ...NOTHING, measure, bound: value.parsed(BOUND_FORMS, parseBound) ?? null };
  }
  const { is, over } = value.fields(["is", "over"])!;
  if (is === undefined) value.fault(`${value.key}: is is missing`);
  const bound = is?.parsed(BOUND_FORMS, parseBound) ?? null;
  return { ...NOTHING, measure, bound, over: over?.oneOf(lanes.map(({ name }) => name)) ?? null };
}

/** One pod's share, or a list of several. */
function readShares(value: YamlValue): readonly Claim[] {
  const entries = value.isList
    ? (value.list("shares: {pod, is}", EXPECTATIONS_MAX) ?? [])
    : [value];
  return entries.flatMap((entry) => {
    const fields = entry.fields(["pod", "is"]);
    if (fields === undefined) return [];
    const { pod, is } = fields;
    if (pod === undefined || is === undefined) {
      entry.fault(`${entry.key}: ${pod === undefined ? "pod" : "is"} is missing`);
    }
    const choice = pod?.parsed("a pod such as echo-2, or busiest", parsePod) ?? null;
    const bound = is?.parsed(BOUND_FORMS, parseBound) ?? null;
    return [{ ...NOTHING, measure: "share" as const, pod: choice, bound }];
  });
}

function parsePod(text: string): PodChoice | null {
  if (text === "busiest") return { kind: "busiest" };
  return /^echo-\d{1,6}$/.test(text) ? { kind: "name", name: text } : null;
}

function readPattern(measure: MeasureName, value: YamlValue): Claim {
  const pattern = value.parsed(PATTERN_FORM, parsePattern);
  return { ...NOTHING, measure, pattern: pattern ?? null };
}
