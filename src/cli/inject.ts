/**
 * `fairlead inject` and `fairlead uninject`: their flags and help. What they do is in
 * `inject-run.ts`, loaded when it runs.
 */
import type { Command } from "commander";
import { INJECT_DEFAULTS } from "../control/index.ts";
import { addInjectOptions, type InjectFlags, injectOptions } from "./inject-options.ts";
import { oneOf, UsageError, valueOption } from "./usage.ts";
import { addCommonOptions, type CommonOptions, newVerb } from "./verb.ts";

const INJECT_EXAMPLES = [
  "# what is deployed now, with the sidecar",
  "kubectl get deployment echo -o yaml | fairlead inject -f - | kubectl apply -f -",
  "# a file, whose comments stay; MySQL is dialled directly",
  "fairlead inject -f deploy.yaml --image registry.example/fairlead:0.1.0 \\",
  "    --skip-outbound-ports 3306 > injected.yaml",
  "# proxies that are told by a control plane",
  "fairlead inject -f deploy.yaml --control fairlead-control.fairlead:18000",
];

const UNINJECT_EXAMPLES = [
  "kubectl get deployment echo -o yaml | fairlead uninject -f - | kubectl apply -f -",
];

const PLACEHOLDER = `warning: image ${INJECT_DEFAULTS.image} is a placeholder: build your own by
deploy/Dockerfile (it needs koffi and nft beside fairlead), and name it with --image
`;

/** As commander yields them. */
export interface InjectVerbOptions extends CommonOptions, InjectFlags {
  readonly file?: string;
  readonly control?: string;
  readonly controlCa?: InjectFlags["proxyControlCa"];
  readonly controlCert?: string;
  readonly mode?: "sidecar";
}

/** The command of the verb `inject`. */
export function injectCommand(): Command {
  const summary = "Add the sidecar to the pods of a manifest; it is written to stdout";
  const command = newVerb("inject", summary, INJECT_EXAMPLES);
  addFile(command);
  const mode = "sidecar: the only one that is injected (default: sidecar)";
  command.addOption(valueOption("--mode <mode>", mode, oneOf<"sidecar">(["sidecar"])));
  addInjectOptions(command, "--control", `default: ${INJECT_DEFAULTS.image}`);
  return addCommonOptions(command).action(async (options: InjectVerbOptions) => {
    const { control, controlCa, controlCert, ...flags } = options;
    const given = injectOptions({
      ...flags,
      ...(control !== undefined && { proxyControl: control }),
      ...(controlCa !== undefined && { proxyControlCa: controlCa }),
      ...(controlCert !== undefined && { proxyControlCert: controlCert }),
    });
    const isChanged = await run(options.file, (text, { injectManifest }) =>
      injectManifest(text, given),
    );
    const isPlaceholder = given.image === INJECT_DEFAULTS.image;
    if (isChanged && isPlaceholder) process.stderr.write(PLACEHOLDER);
  });
}

/** The command of the verb `uninject`. */
export function uninjectCommand(): Command {
  const summary = "Take back from a manifest all that fairlead inject added";
  const command = newVerb("uninject", summary, UNINJECT_EXAMPLES);
  addFile(command);
  return addCommonOptions(command).action(async ({ file }: InjectVerbOptions) => {
    await run(file, (text, { uninjectManifest }) => uninjectManifest(text));
  });
}

function addFile(command: Command): void {
  const file = "a manifest in YAML or JSON, - for stdin";
  command.addOption(valueOption("-f, --file <path>", file, (_flag, text) => text));
}

/** @returns whether anything was changed. */
async function run(
  file: string | undefined,
  rewrite: Parameters<typeof import("./inject-run.ts").runInject>[1],
): Promise<boolean> {
  if (file === undefined) throw new UsageError("--file is missing: a manifest, or - for stdin");
  const { runInject } = await import("./inject-run.ts");
  return runInject(file, rewrite);
}
