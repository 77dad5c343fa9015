/**
 * `fairlead check`: its flags and help. What it does is in `check-run.ts`, loaded when it runs.
 */
import type { Command } from "commander";
import { addApiOptions, type KubernetesOptions } from "./kubernetes-options.ts";
import { oneOf, valueOption } from "./usage.ts";
import { addCommonOptions, type CommonOptions, newVerb } from "./verb.ts";

const EXAMPLES = [
  "# may we list and watch here, and as whom?",
  "fairlead check --namespace prod",
  "fairlead check --kubeconfig ./kubeconfig --context prod -o json",
];

/** As commander yields them. */
export interface CheckOptions extends CommonOptions, KubernetesOptions {
  readonly output: "table" | "json";
}

/** The command of the verb. */
export function checkCommand(): Command {
  const summary = "Check the way to the Kubernetes API server: reach, credentials, rights, clock";
  const output = valueOption("-o, --output <form>", "table or json", oneOf(["table", "json"]));
  const command = newVerb("check", summary, EXAMPLES).addOption(output.default("table", "table"));
  addApiOptions(command, "the namespace to check, instead of the context's or the pod's");
  return addCommonOptions(command, "warn").action(async (options: CheckOptions) => {
    const [{ endProcess }, { runCheck }] = await Promise.all([
      import("./system.ts"),
      import("./check-run.ts"),
    ]);
    endProcess(await runCheck(options));
  });
}
