/**
 * `fairlead endpoints`: its flags and help. What it does is in `endpoints-run.ts`, loaded when it
 * runs.
 */
import type { Command } from "commander";
import { addKubernetesOptions, type KubernetesOptions } from "./kubernetes-options.ts";
import { checkTarget } from "./proxy-options.ts";
import { oneOf, valueOption } from "./usage.ts";
import { addCommonOptions, type CommonOptions, newVerb } from "./verb.ts";

const EXAMPLES = [
  "# who can serve, who cannot and by which rule",
  "fairlead endpoints kubernetes:///echo.prod:grpc",
  "# every change as it comes, a JSON document a line",
  "fairlead endpoints kubernetes:///echo.prod:grpc -w -o json",
  "# the same rules on objects in files; nothing is contacted",
  "fairlead endpoints kubernetes:///echo.prod:grpc --objects ./objects --zone eu-1a",
  "# as the xDS server of GRPC_XDS_BOOTSTRAP says them, with its routes",
  "fairlead endpoints xds:///echo.prod:50051",
  "fairlead endpoints dns:///echo.prod.svc.cluster.local:50051",
];

/** As commander yields them. */
export interface EndpointsOptions extends CommonOptions, KubernetesOptions {
  readonly watch?: boolean;
  readonly output: "table" | "wide" | "json";
}

/** The command of the verb. */
export function endpointsCommand(): Command {
  const summary = "Show who can serve a target, and the rule that uses or skips each endpoint";
  const forms = oneOf(["table", "wide", "json"] as const);
  const output = valueOption("-o, --output <form>", "table, wide or json", forms);
  const command = newVerb("endpoints", summary, EXAMPLES)
    .argument("<target>", "as --to of fairlead proxy; it is resolved, no endpoint is contacted")
    .option("-w, --watch", "print each change until Ctrl-C")
    .addOption(output.default("table", "table"));
  addKubernetesOptions(command);
  return addCommonOptions(command, "warn").action(
    async (target: string, options: EndpointsOptions) => {
      checkTarget("TARGET", target);
      const [{ endProcess }, { runEndpoints }] = await Promise.all([
        import("./system.ts"),
        import("./endpoints-run.ts"),
      ]);
      endProcess(await runEndpoints(target, options));
    },
  );
}
