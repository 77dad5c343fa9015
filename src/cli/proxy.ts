/**
 * `fairlead proxy`: its flags and help. What it does is in `proxy-run.ts`, loaded when it runs.
 */
import type { Command } from "commander";
import { PROXY_BOUNDS, PROXY_DEFAULTS } from "../proxy/index.ts";
import { addCaptureOptions, type CaptureOptions, capturePlan } from "./capture-options.ts";
import { addKubernetesOptions } from "./kubernetes-options.ts";
import { addMeshOptions, type MeshOptions, meshPlan } from "./mesh-options.ts";
import { addPeerOptions } from "./peer-options.ts";
import {
  checkTarget,
  POLICY_WORDS,
  type ProxyOptions,
  parseAdmin,
  parseListen,
  parsePolicyFlag,
  parseServiceConfig,
  proxyConfig,
} from "./proxy-options.ts";
import { addToTlsOptions } from "./tls-options.ts";
import { listOption, secondsAsMs, valueOption, wholeNumber } from "./usage.ts";
import { addCommonOptions, newVerb } from "./verb.ts";

const EXAMPLES = [
  "# each call goes to the one with fewer calls in flight of two endpoints taken at random",
  "fairlead proxy --listen 127.0.0.1:8080 --to orders.prod:50051",
  "# the pods of a Service, as its EndpointSlices tell of them",
  "fairlead proxy --listen 127.0.0.1:8080 --to kubernetes:///echo.prod:grpc",
  "# a fixed list, with an admin endpoint and two processes",
  "fairlead proxy --listen 0.0.0.0:8080 --to 10.0.0.1:50051,10.0.0.2:50051 \\",
  "    --admin 9901 --workers 2",
  "# TLS on both sides",
  "fairlead proxy --listen 0.0.0.0:8443 --tls-cert tls.crt --tls-key tls.key \\",
  "    --to orders.prod:50051 --to-tls --to-ca ca.crt",
  "# one of several replicas, which find each other by a Service and even out their load",
  "fairlead proxy --listen 0.0.0.0:8080 --to kubernetes:///echo.prod:grpc \\",
  "    --peers kubernetes:///fairlead.infra:peer --peer-listen 0.0.0.0:9902",
  "# many targets: the listeners and routes of a Gateway, its port 443 on one that needs no rights",
  "fairlead proxy --gateway prod/edge --listen 443=0.0.0.0:8443 --admin 9901",
  "# beside a client in its pod: what it dials is captured, and balanced where it speaks gRPC",
  "fairlead proxy --mode sidecar --admin 9901",
];

/** The command of the verb. */
export function proxyCommand(): Command {
  const command = newVerb("proxy", "Relay gRPC and HTTP/2 calls, each to an endpoint", EXAMPLES);
  addTargets(command);
  addMeshOptions(command);
  addCaptureOptions(command);
  addTls(command);
  addKubernetesOptions(command);
  addLimits(command);
  addPeerOptions(command, checkTarget);
  return addCommonOptions(command).action(
    async (options: ProxyOptions & CaptureOptions & MeshOptions) => {
      const captured = capturePlan(options);
      const plan = captured === null ? meshPlan(options) : null;
      const config = plan === null && captured === null ? proxyConfig(options) : null;
      const { createSystem, endProcess, logCrash, stopSignal } = await import("./system.ts");
      const stop = stopSignal();
      const system = await createSystem(options);
      logCrash(system.log);
      if (plan !== null) {
        const { runMeshProxy } = await import("./mesh-run.ts");
        endProcess(await runMeshProxy(plan, options, system, stop));
        return;
      }
      if (captured !== null) {
        const { runCapture } = await import("./capture-run.ts");
        endProcess(await runCapture(captured, options, system, stop));
        return;
      }
      const { runProxy } = await import("./proxy-run.ts");
      endProcess(await runProxy(config!, options, system, stop));
    },
  );
}

function addTargets(command: Command): void {
  const listen =
    "HOST:PORT or unix:PATH, repeatable, port 0 for any; PORT=HOST:PORT for a Gateway's port";
  const to =
    "kubernetes:///SVC.NS:PORT, xds:///NAME, HOST:PORT or dns:///, a list IP:PORT,..., unix:PATH";
  const config =
    "gRPC service config: policy, outlier detection, retries, breakers; instead of --policy";
  command
    .addOption(listOption("--listen <address>", listen, parseListen))
    .addOption(valueOption("--to <target>", to, checkTarget))
    .addOption(
      valueOption("--policy <name>", `${POLICY_WORDS} (default: least_request)`, parsePolicyFlag),
    )
    .addOption(valueOption("--service-config <json|@file>", config, parseServiceConfig))
    .addOption(
      valueOption("--admin <address>", "admin: HOST:PORT, or PORT on 127.0.0.1", parseAdmin),
    )
    .addOption(
      valueOption("--admin-grpc <address>", "channelz for grpcdebug, as --admin", parseAdmin),
    )
    .addOption(
      valueOption(
        "--workers <n>",
        "processes that relay, each with connections of its own (default: 1)",
        wholeNumber(PROXY_BOUNDS.workers),
      ),
    );
}

function addTls(command: Command): void {
  command
    .option("--tls-cert <file>", "listen with TLS: certificate and its chain, PEM")
    .option("--tls-key <file>", "its key, PEM; both are reloaded when they change")
    .option("--tls-client-ca <file>", "ask clients for a certificate of this CA");
  addToTlsOptions(command);
}

function addLimits(command: Command): void {
  const number = (name: keyof typeof PROXY_BOUNDS, flags: string, text: string): void => {
    const help = `${text} (default: ${PROXY_DEFAULTS[name]})`;
    command.addOption(valueOption(flags, help, wholeNumber(PROXY_BOUNDS[name])));
  };
  const seconds = (name: keyof typeof PROXY_BOUNDS, flags: string, text: string): void => {
    const help = `${text} (default: ${PROXY_DEFAULTS[name] / 1000})`;
    command.addOption(valueOption(flags, help, secondsAsMs(PROXY_BOUNDS[name])));
  };
  number(
    "maxConnectionsPerEndpoint",
    "--max-connections-per-endpoint <n>",
    "a worker's connections to one endpoint, one unless at its MAX_CONCURRENT_STREAMS",
  );
  number("maxConnections", "--max-connections <n>", "client connections; more are closed at once");
  number("maxStreams", "--max-streams <n>", "MAX_CONCURRENT_STREAMS of a client connection");
  seconds("readyTimeoutMs", "--ready-timeout <s>", "how long a call waits for an endpoint");
  seconds("idleTimeoutMs", "--idle-timeout <s>", "a client without calls is let go; 0: never");
  seconds("drainDelayMs", "--drain-delay <s>", "not ready, but accepting, before a drain");
  seconds("drainTimeoutMs", "--drain-timeout <s>", "how long calls may finish in a drain");
}
