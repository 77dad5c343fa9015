/**
 * `fairlead proxy-config`: its subcommands, flags and help. What it does is in
 * `proxy-config-run.ts`, loaded when it runs.
 */
import type { Command } from "commander";
import type { TcpAddress } from "../proxy/index.ts";
import { type ConfigFilter, type ConfigKind, STATUSES } from "./config-rows.ts";
import { parseAdmin } from "./proxy-options.ts";
import { badValue, oneOf, UsageError, valueOption, wholeNumber } from "./usage.ts";
import { addCommonOptions, type CommonOptions, newVerb } from "./verb.ts";

const EXAMPLES = [
  "# which endpoints a fairlead proxy or an Envoy knows, and how they stand",
  "fairlead proxy-config endpoints --admin 127.0.0.1:9901",
  "fairlead pc endpoints --cluster prod/echo --status draining",
  "# routes of a pod, whose image needs no curl for that",
  "kubectl port-forward deploy/edge 9901 &",
  "fairlead pc routes --admin 127.0.0.1:9901",
  "# from what an Envoy dumped",
  "fairlead pc routes -f dump.json",
];

/** As commander yields them. */
export interface ProxyConfigOptions extends CommonOptions, ConfigFilter {
  readonly admin?: TcpAddress;
  readonly file?: string;
  readonly output: "table" | "json";
}

/** A subcommand, istioctl's other names for it, and the filters that it has. */
interface Part {
  readonly kind: ConfigKind;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly filters: readonly (keyof ConfigFilter)[];
}

const PARTS: readonly Part[] = [
  {
    kind: "endpoints",
    aliases: ["endpoint", "ep"],
    summary: "Endpoints, their health and figures",
    filters: ["address", "port", "cluster", "status"],
  },
  {
    kind: "clusters",
    aliases: ["cluster", "c"],
    summary: "Clusters, their policy, and whether a newer one was refused",
    filters: ["cluster", "status"],
  },
  {
    kind: "routes",
    aliases: ["route", "r"],
    summary: "Routes in order: what each matches and where it leads",
    filters: ["cluster"],
  },
  {
    kind: "listeners",
    aliases: ["listener", "l"],
    summary: "Listeners, their server names and the routes they use",
    filters: ["address", "port", "status"],
  },
];

const AFTER = `Whether fairlead or Envoy answers is found out by asking. A file may be what
/config_dump?include_eds or /clusters?format=json of an Envoy said, or /clusters, /routes or
/listeners (?format=json) of fairlead; "-" reads standard input.`;

/** The command of the verb. */
export function proxyConfigCommand(): Command {
  const summary = "Show what one proxy believes: endpoints, clusters, routes, listeners";
  const command = newVerb("proxy-config", summary, EXAMPLES).alias("pc");
  for (const part of PARTS) command.addCommand(partCommand(part));
  return command;
}

function partCommand({ kind, aliases, summary, filters }: Part): Command {
  const examples = [`fairlead proxy-config ${kind} --admin 127.0.0.1:9901`];
  const command = newVerb(kind, summary, examples)
    .aliases([...aliases])
    .addOption(
      valueOption("--admin <address>", "the proxy's admin address (127.0.0.1:9901)", parseAdmin),
    )
    .addOption(valueOption("-f, --file <path>", "read a dump instead of asking", anyText));
  for (const filter of filters) command.addOption(FILTERS[filter]());
  const output = valueOption("-o, --output <form>", "table or json", oneOf(["table", "json"]));
  command.addOption(output.default("table", "table")).addHelpText("after", `\n${AFTER}`);
  return addCommonOptions(command, "warn").action(async (options: ProxyConfigOptions) => {
    checkStatus(kind, options.status);
    if (options.admin !== undefined && options.file !== undefined) {
      throw new UsageError(
        "--admin and --file exclude each other: a file is read, nobody is asked",
      );
    }
    const [{ endProcess }, { runProxyConfig }] = await Promise.all([
      import("./system.ts"),
      import("./proxy-config-run.ts"),
    ]);
    endProcess(await runProxyConfig(kind, options));
  });
}

function checkStatus(kind: ConfigKind, status: string | undefined): void {
  const words = STATUSES[kind];
  if (status === undefined || words.includes(status.toLowerCase())) return;
  throw badValue("--status", status, `one of ${words.join(", ")}`);
}

const FILTERS = {
  address: () => valueOption("--address <ip>", "only those at this address", anyText),
  port: () =>
    valueOption(
      "--port <number>",
      "only those at this port, or whose configuration names it",
      wholeNumber({ min: 0, max: 65_535 }),
    ),
  cluster: () => valueOption("--cluster <text>", "only those whose cluster contains it", anyText),
  status: () => valueOption("--status <word>", "only those with this status, in any case", anyText),
};

function anyText(flag: string, text: string): string {
  if (text === "") throw new UsageError(`${flag} "": must not be empty`);
  return text;
}
