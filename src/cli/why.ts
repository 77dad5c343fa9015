/**
 * `fairlead why`: its flags and help. What it does is in `why-run.ts`, loaded when it runs.
 */
import type { Command } from "commander";
import { parseTarget } from "../discovery/index.ts";
import type { PolicyChoice, TcpAddress } from "../proxy/index.ts";
import {
  addKubernetesOptions,
  type KubernetesOptions,
  kubernetesValues,
} from "./kubernetes-options.ts";
import {
  checkTarget,
  POLICY_WORDS,
  parseAdmin,
  parsePolicyFlag,
  parseServiceConfig,
} from "./proxy-options.ts";
import { addToTlsOptions, type ToTlsOptions, toTlsValues, upstreamTls } from "./tls-options.ts";
import { oneOf, UsageError, valueOption } from "./usage.ts";
import { addCommonOptions, type CommonOptions, newVerb } from "./verb.ts";

const EXAMPLES = [
  "# resolve and connect from here, wait up to 5 s, and say what would be picked",
  "fairlead why orders.prod:50051",
  "# ask a running proxy instead",
  "fairlead why orders.prod:50051 --admin 127.0.0.1:9901",
  "fairlead why kubernetes:///echo.prod:grpc",
  "# what the xDS server of GRPC_XDS_BOOTSTRAP says of a target, and what comes of it from here",
  "fairlead why xds:///echo.prod:50051",
  "fairlead why 10.0.0.1:50051,10.0.0.2:50051 -o json",
  "# the client connections of a proxy, which of them were shed to other replicas, and why",
  "fairlead why --connections --admin 127.0.0.1:9901",
];

/** As commander yields them. */
export interface WhyOptions extends CommonOptions, KubernetesOptions, ToTlsOptions {
  readonly admin?: TcpAddress;
  readonly policy?: PolicyChoice;
  readonly output: "table" | "json";
  readonly serviceConfig?: PolicyChoice;
  readonly connections?: boolean;
}

const AFTER = `LATENCY is a recent mean of the time from an attempt's start to its response headers.
Exit code: 0 when at least one endpoint is usable, 1 when none is, 2 for a mistake in the flags;
with --connections: 0 when the proxy has answered.`;

/** Where \`--connections\` asks when it is not told. */
const DEFAULT_ADMIN: TcpAddress = { host: "127.0.0.1", port: 9901 };

/** The command of the verb. */
export function whyCommand(): Command {
  const summary = "Show each endpoint of a target, and why it is picked or not";
  const output = valueOption("-o, --output <form>", "table or json", oneOf(["table", "json"]));
  const config = "gRPC service config that names a policy, instead of --policy";
  const policy = `${POLICY_WORDS} (default: least_request)`;
  const command = newVerb("why", summary, EXAMPLES)
    .argument("[target]", "as --to of fairlead proxy; may be left out with --admin")
    .addOption(
      valueOption("--admin <address>", "ask the proxy with this admin address", parseAdmin),
    )
    .option("--connections", "client connections of a proxy instead (--admin: 127.0.0.1:9901)")
    .addOption(output.default("table", "table"))
    .addOption(valueOption("--policy <name>", policy, parsePolicyFlag))
    .addOption(valueOption("--service-config <json|@file>", config, parseServiceConfig))
    .addHelpText("after", AFTER);
  addToTlsOptions(command);
  addKubernetesOptions(command);
  return addCommonOptions(command, "warn").action(
    async (target: string | undefined, options: WhyOptions) => {
      if (options.connections) {
        await runConnections(target, options);
        return;
      }
      // A proxy knows what its clusters are called: of a mesh these are no targets, "prod/echo:80".
      if (options.admin === undefined) {
        if (target === undefined) throw new UsageError("why needs a TARGET or --admin");
        checkTarget("TARGET", target);
      }
      checkTogether(target, options);
      const [{ endProcess }, { runWhy }] = await Promise.all([
        import("./system.ts"),
        import("./why-run.ts"),
      ]);
      endProcess(await runWhy(target ?? null, options));
    },
  );
}

async function runConnections(target: string | undefined, options: WhyOptions): Promise<void> {
  if (target !== undefined) throw new UsageError("--connections takes no TARGET: it asks a proxy");
  const asking = { ...options, admin: options.admin ?? DEFAULT_ADMIN };
  checkTogether(undefined, asking);
  const [{ endProcess }, { runWhyConnections }] = await Promise.all([
    import("./system.ts"),
    import("./why-connections.ts"),
  ]);
  endProcess(await runWhyConnections(asking.admin, options.output));
}

/** Clusters of xDS bring their own. @throws UsageError */
function refuseTls(target: string, options: WhyOptions): void {
  const flags: [string, unknown][] = [["--to-tls", options.toTls], ...toTlsValues(options)];
  const given = flags.find(([, value]) => value !== undefined);
  if (given === undefined) return;
  const why = "what an xDS server says of its clusters is how they are connected to";
  throw new UsageError(`${given[0]} and target "${target}" exclude each other: ${why}`);
}

/** @throws UsageError for flags that would go unheard. */
function checkTogether(target: string | undefined, options: WhyOptions): void {
  const { admin, policy, serviceConfig, toTls } = options;
  if (policy !== undefined && serviceConfig !== undefined) {
    throw new UsageError("--policy and --service-config exclude each other");
  }
  const ours: [flag: string, value: unknown][] = [
    ["--policy", policy],
    ["--service-config", serviceConfig],
    ["--to-tls", toTls],
    ...toTlsValues(options),
    ...kubernetesValues(options),
  ];
  const [first] = ours.filter(([, value]) => value !== undefined);
  if (admin !== undefined && first !== undefined) {
    throw new UsageError(`${first[0]} and --admin exclude each other: the proxy has its own`);
  }
  if (admin !== undefined || target === undefined) return;
  if (parseTarget(target).kind === "xds") refuseTls(target, options);
  else upstreamTls(target, options);
}
