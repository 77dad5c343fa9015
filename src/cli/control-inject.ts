/**
 * `fairlead control --inject`: the flags of the mutating webhook, and the webhook beside a control
 * plane.
 */
import { type Command, Option } from "commander";
import type { Logger } from "../base/index.ts";
import { type InjectOptions, InjectWebhook } from "../control/index.ts";
import type { ObjectWriter } from "../discovery/index.ts";
import type { TcpAddress } from "../proxy/index.ts";
import type { Registry } from "../telemetry/index.ts";
import { ListenError } from "../transport/index.ts";
import { addInjectOptions, type InjectFlags, injectOptions } from "./inject-options.ts";
import { parseTcp } from "./proxy-options.ts";
import type { System } from "./system.ts";
import { CommandError, listOption, UsageError, valueOption } from "./usage.ts";

/** As commander yields them. */
export interface ControlInjectFlags extends InjectFlags {
  readonly inject?: boolean;
  readonly injectListen?: TcpAddress;
  readonly injectName?: string[];
  readonly objects?: string;
}

/** What the webhook is told by flags. */
export interface InjectPlan {
  readonly listen: TcpAddress;
  readonly names: readonly string[];
  readonly inject: InjectOptions;
}

const LISTEN: TcpAddress = { host: "0.0.0.0", port: 9443 };
/** As the manifests in `deploy/` call them. */
const SERVICE = "fairlead-control";
const SECRET = "fairlead-webhook";
const CONFIGURATION = "fairlead-inject";

/** Adds the flags. */
export function addControlInjectOptions(command: Command): void {
  const listen = `where the webhook listens (default: ${LISTEN.host}:${LISTEN.port})`;
  const name = `by which API servers reach it; repeatable (default: ${SERVICE} of our namespace)`;
  command
    .addOption(new Option("--inject", "inject sidecars: the mutating webhook, POST /inject"))
    .addOption(valueOption("--inject-listen <address>", listen, parseTcp))
    .addOption(listOption("--inject-name <name>", name, (_flag, text) => text));
  addInjectOptions(command, "--proxy-control", "--inject needs it");
}

/** Flags of the webhook alone, by what commander makes of them. */
const OF_WEBHOOK: Readonly<Record<keyof Omit<ControlInjectFlags, "inject" | "objects">, string>> = {
  injectListen: "--inject-listen",
  injectName: "--inject-name",
  image: "--image",
  proxyControl: "--proxy-control",
  proxyControlCa: "--proxy-control-ca",
  proxyControlCert: "--proxy-control-cert",
  proxyUid: "--proxy-uid",
  proxyOutboundPort: "--proxy-outbound-port",
  proxyInboundPort: "--proxy-inbound-port",
  proxyAdminPort: "--proxy-admin-port",
  flavour: "--flavour",
  skipOutboundPorts: "--skip-outbound-ports",
  skipInboundPorts: "--skip-inbound-ports",
  skipCidrs: "--skip-cidrs",
  proxyLogLevel: "--proxy-log-level",
};

/**
 * What the flags make; null without `--inject`.
 * @throws UsageError also for flags that would go unheard.
 */
export function injectPlan(flags: ControlInjectFlags): InjectPlan | null {
  if (flags.inject !== true) {
    for (const [name, flag] of Object.entries(OF_WEBHOOK)) {
      if (flags[name as keyof ControlInjectFlags] !== undefined) {
        throw new UsageError(`${flag} needs --inject`);
      }
    }
    return null;
  }
  if (flags.objects !== undefined) {
    throw new UsageError(
      "--inject and --objects exclude each other: an API server asks the webhook",
    );
  }
  if (flags.image === undefined) {
    throw new UsageError("--inject needs --image: pods would wait for one that is nowhere");
  }
  const names = flags.injectName ?? [];
  return { listen: flags.injectListen ?? LISTEN, names, inject: injectOptions(flags) };
}

/** Says of a plan what is allowed and seldom meant. */
export function warnOfPlan({ inject }: InjectPlan, log: Logger): void {
  if (inject.control !== null) return;
  const reason =
    "--proxy-control is not given: each proxy watches the API server by itself, and balances " +
    "nothing unless the ServiceAccount of its pod has the rights of deploy/sidecar-rbac.yaml";
  log.warn("injected proxies are told of no control plane", { reason });
}

/**
 * Starts the webhook.
 * @throws CommandError (rejects) without certificates, or when it cannot listen.
 */
export async function startWebhook(
  { listen, names, inject }: InjectPlan,
  namespace: string,
  writer: ObjectWriter,
  registry: Registry,
  { clock, log }: System,
): Promise<InjectWebhook> {
  const own = `${SERVICE}.${namespace}.svc`;
  const place = { namespace, secret: SECRET, configuration: CONFIGURATION };
  const all = [own, `${own}.cluster.local`, ...names];
  const webhook = new InjectWebhook(
    { ...place, names: all, listen, inject },
    { clock, log, registry, writer },
  );
  try {
    log.info("webhook", { address: await webhook.start() });
    return webhook;
  } catch (error) {
    webhook.close();
    const { name, message } = error as Error;
    const isExpected = error instanceof ListenError || name === "StoreError";
    throw isExpected ? new CommandError(`--inject: ${message}`) : error;
  }
}
