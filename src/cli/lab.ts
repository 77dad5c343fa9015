/**
 * `fairlead lab`: its flags and help. What the lab does is in the room `lab`, loaded when it runs.
 */
import type { Command } from "commander";
import type { RawLabOptions } from "../lab/index.ts";
import { labListCommand, labRunCommand } from "./lab-run.ts";
import { hasColour, hasUnicode } from "./terminal-style.ts";
import { CommandError, UsageError } from "./usage.ts";
import { addCommonOptions, type CommonOptions, newVerb } from "./verb.ts";

const SUMMARY = "Compare ways to balance gRPC: real pods, clients and calls on this machine";

const EXAMPLES = [
  "# a live table and a page, until Ctrl-C",
  "fairlead lab",
  "# one table after 5 seconds",
  "fairlead lab --once --seconds 5",
  "# from 3 pods to 12 and to 5; in a terminal the keys + and - do it, too (? lists all keys)",
  "fairlead lab --scale 3,12,5",
  "# without keys: a slow pod, a killed one, a rolling update, and what each lane made of it",
  "fairlead lab --once --events 6s:slow,12s:heal,14s:kill,16s:roll",
  "# a client that cannot be changed, and a sidecar that takes its connection over; as root",
  "fairlead lab --netns --lanes clusterip,sidecar",
  "# for a script",
  "fairlead lab --once --pods 3 --lanes clusterip,proxy --page none -o json",
  "# what is known of each way, shown and checked; and what there is, with what cannot run here",
  "fairlead lab run --all",
  "fairlead lab list",
];

/** The command of the verb. */
export function labCommand(): Command {
  const command = newVerb("lab", SUMMARY, EXAMPLES)
    .option("--once", "run for --seconds, print, and end")
    .option(
      "--seconds <s>",
      "end the load after so long (default: no end; with --once 10, or 5 after the outcome of " +
        "the last of --events)",
    )
    .option(
      "--pods <n>",
      "how many pods, 1 to 100, each a process up to 24; beyond, up to 8 share one (default: 12)",
    )
    .option("--scale <a,b>", "change the number of pods as it runs: 3,12,5 (instead of --pods)")
    .option("--scale-every <s>", "seconds between these numbers (default: 10)")
    .option(
      "--events <list>",
      "TIME:ACTION,... as 6s:slow,12s:heal,14s:kill=echo-2: slow, heal, not-serving, serving, " +
        "sick, well, kill and drain (one pod, =POD if it matters), roll, scale=N, load=N, " +
        "in-flight=N, policy=NAME, lane=NAME, lane=-NAME, reset; replica and peers=on|off (lane " +
        "nested)",
    )
    .option(
      "--lanes <a,b>",
      "which ways to compare (default: clusterip,headless,client,proxy); there are http1, " +
        "static, nested, sidecar (with --netns), proxyless, envoy, nginx and haproxy, too",
    )
    .option("--load <n>", "calls per second of each lane, 1 to 5000 (default: 300)")
    .option("--in-flight <n>", "open calls of a lane at a time, 1 to 1000 (default: 10)")
    .option(
      "--pod-language <name>",
      "what the pods are in: node, go or python, the latter two up to 24 (default: node)",
    )
    .option("--policy <name>", "policy of fairlead's lanes (default: weighted_round_robin)")
    .option("--peers", "proxy replicas of the lane nested find each other and even out their load")
    .option("--page <address>", "HOST:PORT of the page, or none (default: 127.0.0.1:7480)")
    .option(
      "--netns",
      "all of it in a network namespace of its own, where the ClusterIP is rules of the kernel, " +
        "with the lane sidecar (Linux, as root)",
    )
    .option("-o, --output <form>", "table, or json at the end (default: table)");
  addCommonOptions(command).enablePositionalOptions().action(run);
  command.hook("preSubcommand", (_, verb) => refuseOptionsBefore(command, verb.name()));
  return command.addCommand(labRunCommand()).addCommand(labListCommand());
}

/** What stands before `run` is of `lab` alone, and would be dropped without a word. */
function refuseOptionsBefore(command: Command, verb: string): void {
  const given = command.options.find(
    (option) => command.getOptionValueSource(option.attributeName()) === "cli",
  );
  if (given === undefined) return;
  throw new UsageError(
    `${given.long} before ${verb}: is an option of fairlead lab, not of fairlead lab ${verb}; ` +
      `see fairlead lab ${verb} --help`,
  );
}

async function run(options: RawLabOptions & CommonOptions): Promise<void> {
  const [
    { LabError, LabOptionError, parseLabOptions, runLab },
    { createSystem, stdoutGone, stopSignal },
  ] = await Promise.all([import("../lab/index.ts"), import("./system.ts")]);
  try {
    const labOptions = parseLabOptions(options);
    const stop = AbortSignal.any([stopSignal(), stdoutGone()]);
    const { clock, log } = await createSystem(options);
    const style = { hasColour: hasColour(options), hasUnicode: hasUnicode(process.env) };
    process.exitCode = await runLab(labOptions, {
      ...{ clock, log, style, stop },
      ...{ stdout: process.stdout, stdin: process.stdin },
    });
  } catch (error) {
    if (error instanceof LabOptionError) throw new UsageError(error.message);
    if (error instanceof LabError) throw new CommandError(error.message);
    throw error;
  }
}
