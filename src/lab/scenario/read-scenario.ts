/**
 * Reads a scenario file: YAML to a `Scenario`, or all that is wrong with it, each with line and
 * column. Pure. `docs/lab-scenarios.md` is the reference of its keys.
 */
import { KNOWN_POLICY_NAMES } from "../../balancing/index.ts";
import type { LoadSettings } from "../core/lane-link.ts";
import { ACTION_LIMITS, PODS_MAX, parseLabOptions } from "../options.ts";
import { ActionError, parseAction } from "../read-action.ts";
import { MOMENT_FORMS, momentMs, parseMoment } from "./moment.ts";
import { NAME_FORM, parseName } from "./name.ts";
import { ScenarioFileError } from "./problems.ts";
import { readExpectations } from "./read-expectations.ts";
import { readLanes } from "./read-lanes.ts";
import {
  NEEDS,
  type Need,
  SCENARIO_BYTES_MAX,
  SCENARIO_CALLS_MAX,
  SCENARIO_SECONDS_MAX,
  SCENARIO_VERSION,
  type Scenario,
  type ScenarioPods,
  STEPS_MAX,
  type Step,
  TEXT_CHARS_MAX,
  type Timing,
} from "./scenario.ts";
import { parseYaml, type YamlValue } from "./yaml-value.ts";

const KEYS = [
  ...(["version", "name", "title", "row", "story", "needs", "prefers", "pods", "lanes"] as const),
  ...(["load", "policy", "seconds", "calls", "short", "steps", "expect"] as const),
];
type Fields = Partial<Record<(typeof KEYS)[number], YamlValue>>;

const SECONDS_FORM = `a number of seconds from 0.5 to ${SCENARIO_SECONDS_MAX}`;
/** Of `fairlead lab` without a flag. */
const USUAL = parseLabOptions({});
const TITLE_CHARS_MAX = 120;
const CALL_MS_MAX = 10_000;
const STREAMS_MAX = 1_000_000;
const RATE_MAX = 5000;
const IN_FLIGHT_LIMIT = 1000;

/**
 * Reads the text of a file.
 *
 * @param file its name, for messages.
 * Throws `ScenarioFileError` with all that is wrong.
 */
export function readScenario(text: string, file: string): Scenario {
  const bytes = Buffer.byteLength(text);
  if (bytes > SCENARIO_BYTES_MAX) {
    const sentence = `${bytes} bytes: a scenario has at most ${SCENARIO_BYTES_MAX}`;
    throw new ScenarioFileError(file, [{ line: 1, column: 1, sentence }]);
  }
  const { top, problems } = parseYaml(text);
  const fields = top?.fields(KEYS);
  const scenario = fields === undefined ? null : scenarioOf(top!, fields);
  if (scenario === null || problems.length > 0) throw new ScenarioFileError(file, problems);
  return scenario;
}

/** What is wrong is among the problems, and something else stands in its place. */
function scenarioOf(top: YamlValue, fields: Fields): Scenario {
  const { version, name, title, row, story, policy } = fields;
  const required = ["version", "name", "title", "pods", "lanes", "seconds", "expect"] as const;
  const missing = required.filter((key) => fields[key] === undefined);
  if (missing.length > 0) top.fault(`missing: ${missing.join(", ")}`);
  version?.parsed(`${SCENARIO_VERSION}, the only one that there is`, (text) =>
    text === String(SCENARIO_VERSION) ? text : null,
  );
  const full = readTiming(fields, null);
  const short = readShort(fields.short, full);
  const lanes = readLanes(fields.lanes);
  return {
    name: name?.parsed(NAME_FORM, parseName) ?? "",
    title: title?.text(TITLE_CHARS_MAX) ?? "",
    row: row?.text(TITLE_CHARS_MAX) ?? "",
    story: story?.text(TEXT_CHARS_MAX) ?? "",
    needs: readNeeds(fields.needs),
    prefers: readNeeds(fields.prefers),
    pods: readPods(fields.pods),
    lanes,
    load: readLoad(fields.load),
    policy: policy?.oneOf(KNOWN_POLICY_NAMES) ?? USUAL.policy,
    ...{ full, short },
    steps: readSteps(fields.steps, [full, short]),
    expectations: readExpectations(fields.expect, lanes, [full, short]),
  };
}

function readTiming({ seconds, calls }: Fields, without: Timing | null): Timing {
  const parse = (text: string): number | null => {
    const value = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
    return value >= 0.5 && value <= SCENARIO_SECONDS_MAX ? value : null;
  };
  return {
    seconds: seconds?.parsed(SECONDS_FORM, parse) ?? without?.seconds ?? SCENARIO_SECONDS_MAX,
    calls: calls?.wholeNumber(1, SCENARIO_CALLS_MAX) ?? without?.calls ?? null,
  };
}

function readShort(value: YamlValue | undefined, full: Timing): Timing {
  return readTiming(value?.fields(["seconds", "calls"]) ?? {}, full);
}

function readNeeds(value: YamlValue | undefined): readonly Need[] {
  const entries = value?.list(`needs: ${NEEDS.join(", ")}`, NEEDS.length) ?? [];
  return entries.map((entry) => entry.oneOf(NEEDS)).filter((need) => need !== undefined);
}

function readPods(value: YamlValue | undefined): ScenarioPods {
  if (value === undefined) return { count: 1, settings: {} };
  if (!value.isMapping) return { count: value.wholeNumber(1, PODS_MAX) ?? 1, settings: {} };
  const fields = value.fields(["count", "callMs", "maxConcurrentStreams"])!;
  if (fields.count === undefined) value.fault(`${value.key}: count is missing`);
  const callMs = fields.callMs?.wholeNumber(1, CALL_MS_MAX);
  const maxConcurrentStreams = fields.maxConcurrentStreams?.wholeNumber(1, STREAMS_MAX);
  return {
    count: fields.count?.wholeNumber(1, PODS_MAX) ?? 1,
    settings: {
      ...(callMs !== undefined && { callMs }),
      ...(maxConcurrentStreams !== undefined && { maxConcurrentStreams }),
    },
  };
}

function readLoad(value: YamlValue | undefined): LoadSettings {
  const fields = value?.fields(["callsPerSecond", "inFlight"]);
  return {
    callsPerSecond: fields?.callsPerSecond?.wholeNumber(1, RATE_MAX) ?? USUAL.callsPerSecond,
    inFlightMax: fields?.inFlight?.wholeNumber(1, IN_FLIGHT_LIMIT) ?? USUAL.inFlight,
  };
}

function readSteps(value: YamlValue | undefined, timings: readonly Timing[]): readonly Step[] {
  const steps = (value?.list("steps: {at, do}", STEPS_MAX) ?? []).map((entry) => {
    const fields = entry.fields(["at", "do"]);
    if (fields === undefined) return null;
    const { at, do: done } = fields;
    if (at === undefined) entry.fault(`${entry.key}: at is missing`);
    if (done === undefined) entry.fault(`${entry.key}: do is missing`);
    const moment = at?.parsed(MOMENT_FORMS, parseMoment);
    const actions = (done?.isList ? done.list("actions", STEPS_MAX)! : done ? [done] : [])
      .map(readAction)
      .filter((action) => action !== null);
    if (moment === undefined) return null;
    for (const { seconds } of timings) {
      if (momentMs(moment, seconds) < seconds * 1000) continue;
      at!.refuse(`before the end of the load, which is at ${seconds} s`);
      break;
    }
    return { at: moment, actions };
  });
  return steps.filter((step) => step !== null);
}

function readAction(value: YamlValue) {
  const text = value.scalarText();
  if (text === undefined) return value.refuse("an action, such as slow=echo-2") ?? null;
  try {
    return parseAction(text, ACTION_LIMITS);
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    return value.fault(`${value.key} ${error.message}`) ?? null;
  }
}
