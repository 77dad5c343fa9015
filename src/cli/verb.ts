/**
 * What every verb shares: how its command is set up, and the options of logging.
 */
import { Command } from "commander";
import type { LogLevel } from "../base/index.ts";
import { oneOf, refuseRepeats, valueOption } from "./usage.ts";

/** Of `--log-level`, from most lines to fewest. */
const LOG_LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error"];

/** The options that every verb has. */
export interface CommonOptions {
  readonly logLevel: LogLevel;
  /** False with `--no-color`. */
  readonly color: boolean;
}

/**
 * A command that throws instead of exiting, with the shared options and examples under its help.
 * @param examples lines of a shell; a line that begins with "#" says what the next one does.
 */
export function newVerb(name: string, summary: string, examples: readonly string[]): Command {
  return quiet(new Command(name))
    .summary(summary)
    .description(summary)
    .allowExcessArguments(false)
    .helpOption("-h, --help", "show this help")
    .addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}\n`).join("")}`);
}

/** Adds the options of logging; called last, so that they come last in the help. */
export function addCommonOptions(command: Command, level: LogLevel = "info"): Command {
  command
    .addOption(
      valueOption(
        "--log-level <level>",
        "trace, debug, info, warn or error",
        oneOf(LOG_LEVELS),
      ).default(level, level),
    )
    .option("--no-color", "no colours (also by the environment variable NO_COLOR)");
  refuseRepeats(command);
  return command;
}

/** Makes a command throw `CommanderError` instead of writing errors and exiting. */
export function quiet(command: Command): Command {
  return command.exitOverride().configureOutput({ outputError: () => {} });
}
