/**
 * `fairlead lab`: its flags and help. What the lab does is in the room `lab`, loaded when it runs.
 */
import { Command } from "commander";
import type { Clock, Logger } from "../base/index.ts";
import type { LabStdout, RawLabOptions } from "../lab/index.ts";
import { CommandError, UsageError } from "./usage.ts";

/** What the command needs from its process. */
export interface LabCommandDeps {
  readonly clock: Clock;
  readonly stdout: LabStdout;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Makes the logger once the shared options (`--log-level`, `--no-color`) are known. */
  readonly newLogger: (options: SharedOptions) => Logger;
  /** Aborted by SIGINT or SIGTERM. */
  readonly stop: AbortSignal;
  /** Takes the exit code: 0, or 1 when the lab or one of its lanes could not run. */
  readonly onExitCode: (code: number) => void;
}

/** Options that all commands have, as commander yields them. */
interface SharedOptions {
  readonly logLevel?: string;
  readonly color?: boolean;
}

const SUMMARY = "Compare ways to balance gRPC: real pods, clients and calls on this machine";

const EXAMPLES = `
Examples:
  # a live table and a page, until Ctrl-C
  fairlead lab
  # one table after 5 seconds
  fairlead lab --once --seconds 5
  # for a script
  fairlead lab --once --pods 3 --lanes clusterip,proxy --page none -o json
`;

/**
 * The command of the verb, without the shared options. It throws `UsageError` for a bad value and
 * `CommandError` when the lab cannot run.
 */
export function labCommand(deps: LabCommandDeps): Command {
  return new Command("lab")
    .summary(SUMMARY)
    .description(SUMMARY)
    .helpOption("-h, --help", "show this help")
    .option("--once", "run for --seconds, print, and end")
    .option("--seconds <s>", "end the load after so long (default: 10 with --once, else no end)")
    .option("--pods <n>", "how many pods, each a process (default: 12)")
    .option("--lanes <a,b>", "which ways to compare (default: clusterip,static,proxy)")
    .option("--page <address>", "HOST:PORT of the page, or none (default: 127.0.0.1:7480)")
    .option("--netns", "pods in network namespaces (not available yet)")
    .option("-o, --output <form>", "table, or json at the end (default: table)")
    .addHelpText("after", EXAMPLES)
    .action((options: RawLabOptions, command: Command) =>
      run(deps, options, command.optsWithGlobals<SharedOptions>()),
    );
}

async function run(deps: LabCommandDeps, raw: RawLabOptions, shared: SharedOptions): Promise<void> {
  const { LabError, LabOptionError, parseLabOptions, runLab } = await import("../lab/index.ts");
  try {
    const code = await runLab(parseLabOptions(raw), {
      clock: deps.clock,
      log: deps.newLogger(shared),
      stdout: deps.stdout,
      style: { hasColour: hasColour(deps, shared), hasUnicode: hasUnicode(deps.env) },
      stop: deps.stop,
    });
    deps.onExitCode(code);
  } catch (error) {
    if (error instanceof LabOptionError) throw new UsageError(error.message);
    if (error instanceof LabError) throw new CommandError(error.message);
    throw error;
  }
}

function hasColour({ stdout, env }: LabCommandDeps, { color }: SharedOptions): boolean {
  return stdout.isTTY === true && !env.NO_COLOR && color !== false && env.TERM !== "dumb";
}

/** Block characters are drawn unless the locale says that they cannot be. */
function hasUnicode({ LC_ALL, LC_CTYPE, LANG, TERM }: LabCommandDeps["env"]): boolean {
  const locale = LC_ALL || LC_CTYPE || LANG || "";
  return TERM !== "linux" && TERM !== "dumb" && (locale === "" || /utf-?8/i.test(locale));
}
