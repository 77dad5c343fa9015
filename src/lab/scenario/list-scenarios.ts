/** `fairlead lab list`: the scenarios that come with fairlead, and the lanes, as text. */
import { LANES, laneSite } from "../lanes/index.ts";
import { whyNoNetns } from "../system/netns.ts";
import { BUILT_IN_NAMES, builtInText } from "./built-in.ts";
import { allBuiltIn, type FoundScenario, findScenarios } from "./find-scenarios.ts";
import { fitnessOf, wantsNetns } from "./fitness.ts";

/** A line of the list. */
interface Listed {
  readonly name: string;
  readonly title: string;
  /** Why it cannot run here, or null. */
  readonly why: string | null;
}

/**
 * The text.
 *
 * @param name of one scenario; null for all, and the lanes.
 * @param form yaml: the file itself, of one.
 * Throws `LabError` when there is no such scenario.
 */
export async function listScenarios(
  name: string | null,
  form: "table" | "json" | "yaml",
): Promise<string> {
  if (name === null) return listAll(form === "json");
  // Whatever is wrong with the name is told as for `run`.
  const [found] = await findScenarios([name]);
  if (form === "yaml" || !BUILT_IN_NAMES.some((each) => each === name)) {
    return (await builtInText(name)) ?? "";
  }
  const { title, row, story } = found!.scenario;
  const { why } = listedOf(found!);
  if (form === "json") return jsonOf({ name, title, row, story, why });
  const lines = [
    `${name}: ${title}`,
    "",
    story,
    ...(why === null ? [] : [`cannot run here: ${why}`]),
  ];
  return `${lines.join("\n")}\n`;
}

async function listAll(isJson: boolean): Promise<string> {
  const scenarios = (await allBuiltIn()).map(listedOf);
  const site = laneSite(whyNoNetns());
  const lanes = Object.values(LANES).map(({ name, title, how, whyNot }) => {
    return { name, title: `${title}: ${how}`, why: whyNot?.(site) ?? null };
  });
  if (isJson) return jsonOf({ scenarios, lanes });
  return `scenarios (fairlead lab run NAME):\n${tableOf(scenarios)}\nlanes:\n${tableOf(lanes)}`;
}

function listedOf({ scenario }: FoundScenario): Listed {
  const { name, title } = scenario;
  const why = wantsNetns(scenario) ? whyNoNetns() : "needs --netns";
  return { name, title, why: fitnessOf(scenario, why).why };
}

function tableOf(entries: readonly Listed[]): string {
  const width = Math.max(...entries.map(({ name }) => name.length));
  return entries
    .map(({ name, title, why }) => {
      const reason = why === null ? "" : ` (cannot run here: ${why})`;
      return `  ${name.padEnd(width)}  ${title}${reason}\n`;
    })
    .join("");
}

function jsonOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
