/**
 * `fairlead why`: its flags and help. What it does is in `why-run.ts`, loaded when it runs.
 */
import { type Command, Option } from "commander";
import type { PolicyChoice, TcpAddress } from "../proxy/index.ts";
import { addKubernetesOptions, type KubernetesOptions } from "./kubernetes-options.ts";
import {
  checkTarget,
  POLICY_WORDS,
  parseAdmin,
  parseAuthority,
  parsePolicyFlag,
} from "./proxy-options.ts";
import { oneOf, UsageError, valueOption } from "./usage.ts";
import { addCommonOptions, type CommonOptions, newVerb } from "./verb.ts";

const EXAMPLES = [
  "# resolve and connect from here, wait up to 5 s, and say what would be picked",
  "fairlead why orders.prod:50051",
  "# ask a running proxy instead",
  "fairlead why orders.prod:50051 --admin 127.0.0.1:9901",
  "fairlead why kubernetes:///echo.prod:grpc",
  "fairlead why 10.0.0.1:50051,10.0.0.2:50051 -o json",
];

/** As commander yields them. */
export interface WhyOptions extends CommonOptions, KubernetesOptions {
  readonly admin?: TcpAddress;
  readonly policy?: PolicyChoice;
  readonly output: "table" | "json";
  readonly toTls?: boolean;
  readonly toCa?: string;
  readonly toAuthority?: string;
}

/** The command of the verb. */
export function whyCommand(): Command {
  const summary = "Show each endpoint of a target, and why it is picked or not";
  const output = valueOption("-o, --output <form>", "table or json", oneOf(["table", "json"]));
  const policy = `${POLICY_WORDS} (default: least_request)`;
  const command = newVerb("why", summary, EXAMPLES)
    .argument("[target]", "as --to of fairlead proxy; may be left out with --admin")
    .addOption(
      valueOption("--admin <address>", "ask the proxy with this admin address", parseAdmin),
    )
    .addOption(output.default("table", "table"))
    .addOption(valueOption("--policy <name>", policy, parsePolicyFlag))
    .addOption(new Option("--to-tls", "connect with TLS"))
    .option("--to-ca <file>", "CA of the endpoints' certificates")
    .addOption(valueOption("--to-authority <name>", "SNI and name to verify", parseAuthority));
  addKubernetesOptions(command);
  return addCommonOptions(command, "warn").action(
    async (target: string | undefined, options: WhyOptions) => {
      if (target !== undefined) checkTarget("TARGET", target);
      else if (options.admin === undefined) throw new UsageError("why needs a TARGET or --admin");
      const [{ endProcess }, { runWhy }] = await Promise.all([
        import("./system.ts"),
        import("./why-run.ts"),
      ]);
      endProcess(await runWhy(target ?? null, options));
    },
  );
}
