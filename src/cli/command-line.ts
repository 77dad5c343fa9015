/**
 * The command line: finds the verb, runs it, and turns its end into an exit code.
 *
 * 0 fine, 1 failed, 2 usage. Only the verb that is asked for is loaded; without one all are, for
 * the help.
 */
import { type Command, CommanderError } from "commander";
import { CommandError, UsageError } from "./usage.ts";
import { newVerb, quiet } from "./verb.ts";

const SUMMARY = "Even gRPC load on Kubernetes: a connection to every pod, and a choice per call.";

const ROOT_EXAMPLES = [
  "fairlead lab",
  "fairlead proxy --listen 127.0.0.1:8080 --to orders.prod:50051",
  "fairlead why orders.prod:50051",
  "fairlead endpoints kubernetes:///echo.prod:grpc -w",
];

/** Every verb, in the order of the help. */
const VERBS: Record<string, () => Promise<Command>> = {
  proxy: async () => (await import("./proxy.ts")).proxyCommand(),
  control: async () => (await import("./control.ts")).controlCommand(),
  why: async () => (await import("./why.ts")).whyCommand(),
  endpoints: async () => (await import("./endpoints.ts")).endpointsCommand(),
  check: async () => (await import("./check.ts")).checkCommand(),
  "proxy-status": async () => (await import("./proxy-status.ts")).proxyStatusCommand(),
  "proxy-config": async () => (await import("./proxy-config.ts")).proxyConfigCommand(),
  "capture-rules": async () => (await import("./capture-rules.ts")).captureRulesCommand(),
  inject: async () => (await import("./inject.ts")).injectCommand(),
  uninject: async () => (await import("./inject.ts")).uninjectCommand(),
  lab: async () => (await import("./lab.ts")).labCommand(),
};

/** Short names, as istioctl has them. */
const ALIASES: Record<string, string> = { pc: "proxy-config", ps: "proxy-status" };

/** Runs the verb that `args` name; resolves with the exit code, errors printed. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  try {
    await (await program(args)).parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const code = report(error, args[0]);
    // What failed in the midst of its work may have left lookups and timers behind.
    if (error instanceof CommandError) (await import("./system.ts")).endProcess(code);
    return code;
  }
}

async function program(args: readonly string[]): Promise<Command> {
  const root = quiet(newVerb("fairlead", SUMMARY, ROOT_EXAMPLES)).usage("VERB [options]");
  root.option("-V, --version", "print the version");
  const verb = verbOf(args[0]);
  // `fairlead lab run -o md`: what stands behind a verb of a verb is its own.
  if (verb === "lab") root.enablePositionalOptions();
  const known = verb === null ? Object.keys(VERBS) : [verb];
  for (const name of known) root.addCommand(await VERBS[name]!());
  return root;
}

/** The verb that a word means; null when it is none. */
function verbOf(word: string | undefined): string | null {
  const verb = Object.hasOwn(ALIASES, word ?? "") ? ALIASES[word!]! : word;
  return verb !== undefined && Object.hasOwn(VERBS, verb) ? verb : null;
}

/** Prints what went wrong as one line, and answers the exit code. */
function report(error: unknown, verb: string | undefined): number {
  if (error instanceof CommanderError) return reportUsage(error, verb);
  if (error instanceof UsageError || error instanceof CommandError) {
    process.stderr.write(`fairlead: ${oneLine(error.message)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
  throw error;
}

function reportUsage(error: CommanderError, verb: string | undefined): number {
  if (error.exitCode === 0) return 0; // help was asked for and shown
  if (error.code === "commander.help") return 2; // nothing was asked for; the help went to stderr
  const known = verbOf(verb);
  const about = known === null ? "fairlead" : `fairlead ${known}`;
  const message = oneLine(error.message.replace(/^error: /, "")).replace(/\.$/, "");
  // What a verb found itself says what is allowed; what commander found does not.
  const hint =
    error.code === "commander.error" ? "" : `; see "${about} --help" for what is allowed`;
  process.stderr.write(`fairlead: ${message}${hint}\n`);
  return 2;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ");
}
