/**
 * `fairlead capture-rules`: prints, applies or removes the rules of netfilter by which connections
 * come to `fairlead proxy --mode sidecar|node`. What an injected pod's init container runs.
 */
import type { Command } from "commander";
import {
  CAPTURE_DEFAULTS,
  type CaptureBy,
  type CaptureMode,
  PROXY_UID,
  type RulesFlavour,
  type RulesSpec,
  tryParseCidr,
  tryParsePorts,
} from "../proxy/index.ts";
import { NO_NODE_TPROXY, PORT_BOUNDS } from "./capture-options.ts";
import { badValue, listOption, oneOf, UsageError, valueOption, wholeNumber } from "./usage.ts";
import { addCommonOptions, type CommonOptions, newVerb } from "./verb.ts";

const EXAMPLES = [
  "# what an injected pod's init container does",
  "fairlead capture-rules --mode sidecar --apply",
  "# read it first; MySQL and the metadata server are left alone",
  "fairlead capture-rules --mode sidecar --skip-outbound-ports 3306 \\",
  "    --skip-cidrs 169.254.169.254 --print",
  "# on a node, for what its pods send to Services",
  "fairlead capture-rules --mode node --source-cidrs 10.244.1.0/24 \\",
  "    --only-cidrs 10.96.0.0/12 --apply",
];

/** As commander yields them: lists of lists where an option may be given several times. */
export interface CaptureRulesOptions extends CommonOptions {
  readonly mode?: CaptureMode;
  readonly captureBy?: CaptureBy;
  readonly flavour?: RulesFlavour;
  readonly outboundPort?: number;
  readonly inboundPort?: number;
  readonly uid?: number[];
  readonly gid?: number[];
  readonly skipOutboundPorts?: string[][];
  readonly skipInboundPorts?: string[][];
  readonly skipCidrs?: string[][];
  readonly onlyCidrs?: string[][];
  readonly sourceCidrs?: string[][];
  readonly apply?: boolean;
  readonly delete?: boolean;
  readonly print?: boolean;
}

/** Linux' own bounds of a user id. */
export const UID_BOUNDS = { min: 0, max: 4_294_967_294 };

/** The command of the verb. */
export function captureRulesCommand(): Command {
  const summary = "Print, apply or delete the rules that capture connections for a sidecar or node";
  const command = newVerb("capture-rules", summary, EXAMPLES);
  addWhat(command);
  addExemptions(command);
  command
    .option("--print", "print the script (the default)")
    .option("--apply", "run it; what was applied before is replaced")
    .option("--delete", "remove the rules; harmless when there are none");
  return addCommonOptions(command).action(async (options: CaptureRulesOptions) => {
    const spec = rulesSpec(options);
    const [{ endProcess }, { runCaptureRules }] = await Promise.all([
      import("./system.ts"),
      import("./capture-rules-run.ts"),
    ]);
    endProcess(await runCaptureRules(spec, options));
  });
}

function addWhat(command: Command): void {
  const { outboundPort, inboundPort } = CAPTURE_DEFAULTS;
  const outbound = `where captured connections go (default: ${outboundPort})`;
  const inbound = `where connections to this pod go; 0: none (default: ${inboundPort})`;
  command
    .addOption(
      valueOption("--mode <mode>", "sidecar or node", oneOf<CaptureMode>(["sidecar", "node"])),
    )
    .addOption(
      valueOption(
        "--capture-by <way>",
        "redirect or tproxy (default: redirect)",
        oneOf<CaptureBy>(["redirect", "tproxy"]),
      ),
    )
    .addOption(
      valueOption(
        "--flavour <name>",
        "nftables or iptables (default: nftables)",
        oneOf<RulesFlavour>(["nftables", "iptables"]),
      ),
    )
    .addOption(valueOption("--outbound-port <port>", outbound, wholeNumber(PORT_BOUNDS)))
    .addOption(
      valueOption("--inbound-port <port>", inbound, wholeNumber({ min: 0, max: PORT_BOUNDS.max })),
    );
}

function addExemptions(command: Command): void {
  const uid = `user that is not captured: the proxy's; repeatable (default: ${PROXY_UID})`;
  command
    .addOption(listOption("--uid <uid>", uid, wholeNumber(UID_BOUNDS)))
    .addOption(listOption("--gid <gid>", "the same by group", wholeNumber(UID_BOUNDS)))
    .addOption(
      listOption("--skip-outbound-ports <list>", "ports that pods dial directly", parsePorts),
    )
    .addOption(listOption("--skip-inbound-ports <list>", "ports of this pod", parsePorts))
    .addOption(listOption("--skip-cidrs <list>", "destinations left alone", parseCidrs))
    .addOption(listOption("--only-cidrs <list>", "capture only these destinations", parseCidrs))
    .addOption(listOption("--source-cidrs <list>", "node mode: the node's pods", parseCidrs));
}

/** A parser of "80,443,1000-2000". */
export function parsePorts(flag: string, text: string): string[] {
  return text.split(",").map((part) => {
    const ports = tryParsePorts(part.trim());
    if (ports !== null) return ports;
    throw badValue(flag, text, "ports and ranges such as 80,443,1000-2000");
  });
}

/** A parser of "10.0.0.0/8,fd00::/8". */
export function parseCidrs(flag: string, text: string): string[] {
  return text.split(",").map((part) => {
    const cidr = tryParseCidr(part.trim());
    if (cidr !== null) return cidr;
    throw badValue(flag, text, "addresses and CIDRs such as 10.0.0.0/8,fd00::/8");
  });
}

function rulesSpec(options: CaptureRulesOptions): RulesSpec {
  const { mode, captureBy, outboundPort, inboundPort, uid, gid } = options;
  if (mode === undefined) throw new UsageError("--mode is missing: sidecar or node");
  if (mode === "node" && captureBy === "tproxy") throw new UsageError(NO_NODE_TPROXY);
  const actions = [options.apply, options.delete, options.print].filter((each) => each === true);
  if (actions.length > 1) throw new UsageError("--print, --apply and --delete exclude each other");
  const sourceCidrs = options.sourceCidrs?.flat() ?? [];
  if (mode === "node" && sourceCidrs.length === 0) {
    throw new UsageError("--mode node needs --source-cidrs: the addresses of the node's pods");
  }
  if (mode === "sidecar" && sourceCidrs.length > 0) {
    throw new UsageError("--source-cidrs needs --mode node: a sidecar captures for its own pod");
  }
  const inbound = inboundPort ?? CAPTURE_DEFAULTS.inboundPort;
  return {
    mode,
    by: captureBy ?? CAPTURE_DEFAULTS.by,
    outboundPort: outboundPort ?? CAPTURE_DEFAULTS.outboundPort,
    inboundPort: inbound === 0 ? null : inbound,
    uids: uid ?? (gid === undefined ? [PROXY_UID] : []),
    gids: gid ?? [],
    skipOutboundPorts: options.skipOutboundPorts?.flat() ?? [],
    skipInboundPorts: options.skipInboundPorts?.flat() ?? [],
    skipCidrs: options.skipCidrs?.flat() ?? [],
    onlyCidrs: options.onlyCidrs?.flat() ?? [],
    sourceCidrs,
  };
}
