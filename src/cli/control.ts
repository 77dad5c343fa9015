/**
 * `fairlead control`: its flags and help. What it does is in `control-run.ts`, loaded when it runs.
 */
import { type Command, Option } from "commander";
import type { ListenAddress, ServerTlsFiles } from "../transport/index.ts";
import { addControlInjectOptions, type ControlInjectFlags, injectPlan } from "./control-inject.ts";
import { addApiOptions, type KubernetesOptions } from "./kubernetes-options.ts";
import { parseAdmin, parseListen } from "./proxy-options.ts";
import { listOption, secondsAsMs, UsageError, valueOption } from "./usage.ts";
import { addCommonOptions, type CommonOptions, newVerb } from "./verb.ts";

const EXAMPLES = [
  "# every Service with a gRPC port, for xds:/// clients on this machine",
  "fairlead control --admin 9901",
  "# from files, without an API server",
  "fairlead control --objects ./manifests --listen 127.0.0.1:18000",
  "# in a cluster: nodes show certificates, and get what their namespaces may",
  "fairlead control --listen 0.0.0.0:18000 --tls-cert tls.crt --tls-key tls.key \\",
  "    --tls-client-ca ca.crt --authorize",
  "# the mutating webhook of deploy/inject-webhook.yaml besides: pods get sidecars that ask us",
  "fairlead control --listen 0.0.0.0:18000 --inject --image registry.example/own:1 \\",
  "    --proxy-control fairlead-control.fairlead:18000",
];

/** As commander yields them. */
export interface ControlOptions
  extends CommonOptions,
    Omit<KubernetesOptions, "objects">,
    ControlInjectFlags {
  readonly listen?: readonly ListenAddress[];
  readonly admin?: { readonly host: string; readonly port: number };
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly authorize?: boolean;
  readonly drainTimeout?: number;
}

/** Of `--drain-timeout`, in milliseconds. */
const DRAIN_TIMEOUT_BOUNDS = { min: 0, max: 3_600_000 };

/** The command of the verb. */
export function controlCommand(): Command {
  const command = newVerb("control", "Drive xDS clients from Kubernetes objects", EXAMPLES);
  const listen = "HOST:PORT for discovery (xDS); repeatable (default: 127.0.0.1:18000)";
  const admin = "admin: HOST:PORT, or PORT on 127.0.0.1";
  const drain = "how long nodes may stay in a drain (default: 10)";
  command
    .addOption(listOption("--listen <address>", listen, parseListen))
    .addOption(valueOption("--admin <address>", admin, parseAdmin));
  addApiOptions(command, "only objects of this namespace (default: of all)");
  command
    .addOption(
      valueOption("--objects <dir>", "objects from YAML and JSON files, no API server", notEmpty),
    )
    .option("--tls-cert <file>", "listen with TLS: certificate and its chain, PEM")
    .option("--tls-key <file>", "its key, PEM; both are reloaded when they change")
    .option("--tls-client-ca <file>", "ask nodes for a certificate of this CA")
    .addOption(
      new Option("--authorize", "a node gets what the namespaces of its certificate may have"),
    )
    .addOption(valueOption("--drain-timeout <s>", drain, secondsAsMs(DRAIN_TIMEOUT_BOUNDS)));
  addControlInjectOptions(command);
  return addCommonOptions(command).action(async (options: ControlOptions) => {
    const tls = tlsOf(options);
    const inject = injectPlan(options);
    const [{ createSystem, endProcess, logCrash, stopSignal }, { runControl }] = await Promise.all([
      import("./system.ts"),
      import("./control-run.ts"),
    ]);
    const stop = stopSignal();
    const system = await createSystem(options);
    logCrash(system.log);
    endProcess(await runControl(options, { tls, inject }, system, stop));
  });
}

function notEmpty(flag: string, text: string): string {
  if (text.trim() !== "") return text;
  throw new UsageError(`${flag} "": must not be empty`);
}

/** @throws UsageError for flags that do not go together. */
function tlsOf(options: ControlOptions): ServerTlsFiles | null {
  const { tlsCert, tlsKey, tlsClientCa, authorize } = options;
  if (authorize && tlsClientCa === undefined) {
    throw new UsageError("--authorize needs --tls-client-ca: nodes are known by certificates");
  }
  if (tlsCert === undefined && tlsKey === undefined) {
    if (tlsClientCa === undefined) return null;
    throw new UsageError("--tls-client-ca needs --tls-cert and --tls-key");
  }
  if (tlsKey === undefined) throw new UsageError("--tls-cert needs --tls-key");
  if (tlsCert === undefined) throw new UsageError("--tls-key needs --tls-cert");
  return { certFile: tlsCert, keyFile: tlsKey, clientCaFile: tlsClientCa ?? null };
}
