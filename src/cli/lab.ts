/**
 * `fairlead lab`: options in, the lab's exit code out. What the lab does is in the room `lab`.
 */
import { Command } from "commander";
import type { Clock, Logger } from "../base/index.ts";
import {
  LabOptionError,
  type LabOptions,
  type LabStdout,
  parseLabOptions,
  type RawLabOptions,
  runLab,
} from "../lab/index.ts";

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

const EXAMPLES = `
Examples:
  $ fairlead lab                             live table and page, until Ctrl-C
  $ fairlead lab --pods 40                   more pods
  $ fairlead lab --once --seconds 5          one table after 5 seconds
  $ fairlead lab --once -o json --page none  for a script
`;

/** The command `lab`. A bad value ends it with one line and exit code 2. */
export function labCommand(deps: LabCommandDeps): Command {
  return new Command("lab")
    .description(
      "compare ways to balance gRPC, on this machine: real pods, real clients, real calls",
    )
    .option("--once", "run for --seconds (default 10), print, and end")
    .option("--seconds <S>", "end the load after S seconds (default: run until stopped)")
    .option("--pods <N>", "how many pods, each a process (default 12)")
    .option("--lanes <a,b>", "which ways to compare (default clusterip,static,proxy)")
    .option("--page <HOST:PORT|none>", "where to serve the page (default 127.0.0.1:7480)")
    .option("--netns", "pods in network namespaces (not available yet)")
    .option("-o, --output <table|json>", "table, or one JSON document at the end (default table)")
    .addHelpText("after", EXAMPLES)
    .action(async (raw: RawLabOptions, command: Command) => {
      const shared = command.optsWithGlobals<SharedOptions>();
      const options = parseOrRefuse(raw, command);
      const code = await runLab(options, {
        clock: deps.clock,
        log: deps.newLogger(shared),
        stdout: deps.stdout,
        style: { hasColour: hasColour(deps, shared), hasUnicode: hasUnicode(deps.env) },
        stop: deps.stop,
      });
      deps.onExitCode(code);
    });
}

function parseOrRefuse(raw: RawLabOptions, command: Command): LabOptions {
  try {
    return parseLabOptions(raw);
  } catch (error) {
    if (!(error instanceof LabOptionError)) throw error;
    return command.error(`error: ${error.message}`, { exitCode: 2 });
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
