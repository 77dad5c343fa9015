/**
 * `fairlead lab run` and `fairlead lab list`: their flags and help. What scenarios are and do is in
 * the room `lab`, loaded when they run.
 */
import { cpus } from "node:os";
import type { Command } from "commander";
import type { ScenarioOutput } from "../lab/index.ts";
import { hasColour, hasUnicode } from "./terminal-style.ts";
import { CommandError, oneOf, UsageError, valueOption, wholeNumber } from "./usage.ts";
import { addCommonOptions, type CommonOptions, newVerb } from "./verb.ts";

const RUN_SUMMARY = "Run scenarios: what is documented of each way is shown, and checked";
const RUN_EXAMPLES = [
  "# one that comes with fairlead, and all of them",
  "fairlead lab run clusterip",
  "fairlead lab run --all",
  "# your own; start from one that is there",
  "fairlead lab list slow-pod -o yaml > mine.yaml",
  "fairlead lab run mine.yaml",
  "# in a network namespace, with a ClusterIP of rules as kube-proxy makes them; as root",
  "fairlead lab run http1 --netns",
  "# for CI",
  "fairlead lab run --all --short --jobs 3 -o junit > lab.xml",
];
const LIST_SUMMARY = "List scenarios, and the lanes with the reason why one cannot run here";
const LIST_EXAMPLES = ["fairlead lab list", "fairlead lab list clusterip -o yaml"];

/** Each has a lab of its own, with pods on a port of their own. */
const JOBS_MAX = 8;
const RUN_OUTPUTS: readonly ScenarioOutput[] = ["table", "json", "junit", "md"];

interface RunOptions extends CommonOptions {
  readonly all?: boolean;
  readonly short?: boolean;
  readonly require?: boolean;
  readonly netns?: boolean;
  readonly jobs?: number;
  readonly output: ScenarioOutput;
}

interface ListOptions extends CommonOptions {
  readonly output: "table" | "json" | "yaml";
}

/** The command `lab run`. */
export function labRunCommand(): Command {
  const command = newVerb("run", RUN_SUMMARY, RUN_EXAMPLES)
    .argument("[scenarios...]", "names of scenarios, or paths of YAML files")
    .option("--all", "all scenarios that come with fairlead")
    .option("--short", "the short form of each, in seconds")
    .option("--require", "exit 1 when one is skipped, too")
    .option("--netns", "all of it in a network namespace of its own (Linux, as root)")
    .addOption(
      valueOption(
        "--jobs <n>",
        "run so many at the same time (default: 1)",
        wholeNumber({ min: 1, max: JOBS_MAX }),
      ),
    )
    .addOption(
      valueOption(
        "-o, --output <form>",
        "table, json, junit or md (a table of Markdown)",
        oneOf(RUN_OUTPUTS),
      ).default("table", "table"),
    );
  return addCommonOptions(command).action(run);
}

/** The command `lab list`. */
export function labListCommand(): Command {
  const command = newVerb("list", LIST_SUMMARY, LIST_EXAMPLES)
    .argument("[scenario]", "print this one alone: -o yaml as a file to start from")
    .addOption(
      valueOption(
        "-o, --output <form>",
        "table, json or yaml",
        oneOf(["table", "json", "yaml"] as const),
      ).default("table", "table"),
    );
  return addCommonOptions(command).action(list);
}

async function run(words: readonly string[], options: RunOptions): Promise<void> {
  const { all = false, short = false, require = false, jobs = 1, output } = options;
  const { netns: hasNetns = false } = options;
  if (all === words.length > 0) {
    throw new UsageError(
      all
        ? `--all beside "${words[0]}": give names and files, or --all`
        : "run: which scenarios? give names, files or --all; see fairlead lab list",
    );
  }
  const [{ LabError, ScenarioError, runScenarios }, { createSystem, stopSignal }] =
    await Promise.all([import("../lab/index.ts"), import("./system.ts")]);
  const stop = stopSignal();
  const { clock, log } = await createSystem(options);
  try {
    process.exitCode = await runScenarios(
      { words, isShort: short, isRequired: require, hasNetns, jobs, output },
      {
        ...{ clock, log, stop, machine: machine() },
        ...{ stdout: process.stdout, stderr: process.stderr },
        style: { hasColour: hasColour(options), hasUnicode: hasUnicode(process.env) },
      },
    );
  } catch (error) {
    if (error instanceof ScenarioError) {
      // A line for each problem, as compilers print them.
      for (const line of error.message.split("\n")) process.stderr.write(`fairlead: ${line}\n`);
      process.exitCode = 2;
      return;
    }
    if (error instanceof LabError) throw new CommandError(error.message);
    throw error;
  }
}

async function list(name: string | undefined, { output }: ListOptions): Promise<void> {
  const [{ ScenarioError, listScenarios }, { writeOut }] = await Promise.all([
    import("../lab/index.ts"),
    import("./system.ts"),
  ]);
  if (output === "yaml" && name === undefined) {
    throw new UsageError('-o "yaml": prints one scenario: give its name');
  }
  try {
    await writeOut(await listScenarios(name ?? null, output));
  } catch (error) {
    if (error instanceof ScenarioError) throw new UsageError(error.message);
    throw error;
  }
}

/** What a report says of where it was made. */
function machine(): string {
  const count = cpus().length;
  const processors = `${count} ${count === 1 ? "CPU" : "CPUs"}`;
  return `${processors}, Node ${process.versions.node}, ${process.platform}`;
}
