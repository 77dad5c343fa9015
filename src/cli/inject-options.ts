/**
 * The flags by which pods are injected, of `fairlead inject` and of `fairlead control --inject`.
 */
import type { Command } from "commander";
import { type ControlTls, INJECT_DEFAULTS, type InjectOptions } from "../control/index.ts";
import { tryParseTcpAddress } from "../proxy/index.ts";
import { PORT_BOUNDS } from "./capture-options.ts";
import { parseCidrs, parsePorts, UID_BOUNDS } from "./capture-rules.ts";
import { badValue, listOption, oneOf, UsageError, valueOption, wholeNumber } from "./usage.ts";

/** As commander yields them. */
export interface InjectFlags {
  readonly image?: string;
  readonly proxyControl?: string;
  readonly proxyControlCa?: ControlTls["ca"];
  readonly proxyControlCert?: string;
  readonly proxyUid?: number;
  readonly proxyOutboundPort?: number;
  readonly proxyInboundPort?: number;
  readonly proxyAdminPort?: number;
  readonly flavour?: InjectOptions["flavour"];
  readonly skipOutboundPorts?: string[][];
  readonly skipInboundPorts?: string[][];
  readonly skipCidrs?: string[][];
  readonly proxyLogLevel?: string;
}

/** Users but root: root's connections are the app's as often as not. */
const PROXY_UID_BOUNDS = { min: 1, max: UID_BOUNDS.max };

/**
 * Adds the flags.
 * @param control the flag that names the control plane of injected proxies.
 * @param imageAbsent what it means that no image is named.
 */
export function addInjectOptions(command: Command, control: string, imageAbsent: string): void {
  const { proxyUid, outboundPort, inboundPort, adminPort, flavour } = INJECT_DEFAULTS;
  const number = (flags: string, help: string, bounds: { min: number; max: number }): void => {
    command.addOption(valueOption(flags, help, wholeNumber(bounds)));
  };
  command.addOption(
    valueOption("--image <ref>", `of both containers (${imageAbsent})`, parseImage),
  );
  command.addOption(
    valueOption(
      `${control} <host:port>`,
      "control plane of the proxies; without: Services",
      parseAt,
    ),
  );
  const ca = "it speaks TLS: secret/NAME or configmap/NAME with its CA, key ca.crt";
  const cert = "secret of type kubernetes.io/tls that its proxies show to it";
  command
    .addOption(valueOption(`${control}-ca <ref>`, ca, parseCa))
    .addOption(valueOption(`${control}-cert <secret>`, cert, parseName));
  number("--proxy-uid <uid>", `user of the proxy (default: ${proxyUid})`, PROXY_UID_BOUNDS);
  const outbound = `where outbound connections go (default: ${outboundPort})`;
  const inbound = `where inbound ones go; 0: not captured (default: ${inboundPort})`;
  const admin = `admin endpoint, on loopback (default: ${adminPort})`;
  number("--proxy-outbound-port <port>", outbound, PORT_BOUNDS);
  number("--proxy-inbound-port <port>", inbound, { min: 0, max: PORT_BOUNDS.max });
  number("--proxy-admin-port <port>", admin, PORT_BOUNDS);
  const flavours = valueOption(
    "--flavour <name>",
    `rules: nftables or iptables (default: ${flavour})`,
    oneOf<InjectOptions["flavour"]>(["nftables", "iptables"]),
  );
  const levels = oneOf(["trace", "debug", "info", "warn", "error"]);
  command
    .addOption(flavours)
    .addOption(listOption("--skip-outbound-ports <list>", "ports dialled directly", parsePorts))
    .addOption(listOption("--skip-inbound-ports <list>", "ports of the pod", parsePorts))
    .addOption(listOption("--skip-cidrs <list>", "destinations left alone", parseCidrs))
    .addOption(valueOption("--proxy-log-level <level>", "of the proxy (default: info)", levels));
}

/**
 * What the flags make.
 * @throws UsageError for ports that are the same.
 */
export function injectOptions(flags: InjectFlags): InjectOptions {
  const defaults = INJECT_DEFAULTS;
  const inbound = flags.proxyInboundPort ?? defaults.inboundPort;
  const options: InjectOptions = {
    image: flags.image ?? defaults.image,
    control: flags.proxyControl ?? defaults.control,
    controlTls: controlTlsOf(flags),
    proxyUid: flags.proxyUid ?? defaults.proxyUid,
    outboundPort: flags.proxyOutboundPort ?? defaults.outboundPort,
    inboundPort: inbound === 0 ? null : inbound,
    adminPort: flags.proxyAdminPort ?? defaults.adminPort,
    flavour: flags.flavour ?? defaults.flavour,
    skipOutboundPorts: flags.skipOutboundPorts?.flat() ?? defaults.skipOutboundPorts,
    skipInboundPorts: flags.skipInboundPorts?.flat() ?? defaults.skipInboundPorts,
    skipCidrs: flags.skipCidrs?.flat() ?? defaults.skipCidrs,
    logLevel: flags.proxyLogLevel ?? defaults.logLevel,
  };
  const ports = [options.outboundPort, options.inboundPort, options.adminPort];
  if (new Set(ports).size < ports.length) {
    throw new UsageError(`the proxy's ports must differ: ${ports.join(", ")}`);
  }
  return options;
}

function controlTlsOf(flags: InjectFlags): ControlTls | null {
  const { proxyControl, proxyControlCa: ca, proxyControlCert: certSecret } = flags;
  if (ca === undefined) {
    if (certSecret === undefined) return null;
    throw new UsageError("a certificate for the control plane needs the CA of the control plane");
  }
  if (proxyControl === undefined) {
    throw new UsageError("the CA of a control plane needs the address of the control plane");
  }
  return { ca, certSecret: certSecret ?? null };
}

const OBJECT_NAME = "[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?";

function parseCa(flag: string, text: string): ControlTls["ca"] {
  const found = new RegExp(`^(secret|configmap)/(${OBJECT_NAME})$`).exec(text);
  if (found === null) throw badValue(flag, text, "secret/NAME or configmap/NAME");
  return { kind: found[1] as ControlTls["ca"]["kind"], name: found[2]! };
}

function parseName(flag: string, text: string): string {
  if (new RegExp(`^${OBJECT_NAME}$`).test(text)) return text;
  throw badValue(flag, text, "the name of a Secret");
}

function parseImage(flag: string, text: string): string {
  if (/^\S+$/.test(text)) return text;
  throw badValue(flag, text, "an image, such as registry.example/fairlead:0.1.0");
}

function parseAt(flag: string, text: string): string {
  if (tryParseTcpAddress(text) !== null) return text;
  throw badValue(flag, text, "HOST:PORT, such as fairlead-control.fairlead:18000");
}
