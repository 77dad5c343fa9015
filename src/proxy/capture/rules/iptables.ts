/**
 * The same rules for iptables(8), where there is no nft(8): chains of our own, entered from the
 * first place of the built-in ones.
 *
 * One command after the other, so not in one transaction; the jump into a chain is made last. IPv6
 * is left out where ip6tables does not work.
 */
import {
  LOOPBACK,
  MARK,
  ofFamily,
  type RulesScript,
  type RulesSpec,
  routingScript,
} from "./spec.ts";

/** A chain of ours, what leads into it, and what is in it. */
interface Chain {
  readonly table: "nat" | "mangle";
  readonly name: string;
  readonly from: "OUTPUT" | "PREROUTING";
  readonly rules: (family: 4 | 6) => string[];
}

/** What capture may have made, whatever it was told: all of it is taken away first. */
const NAMES = [
  ["nat", "OUTPUT"],
  ["nat", "PREROUTING"],
  ["mangle", "OUTPUT"],
  ["mangle", "PREROUTING"],
] as const;

/** The script of a spec. */
export function iptablesScript(spec: RulesSpec): RulesScript {
  const isTproxy = spec.by === "tproxy";
  const chains = isTproxy ? tproxyChains(spec) : redirectChains(spec);
  const remove = forBoth((_family, command) => removal(command));
  const apply = forBoth((family, command) => [
    ...removal(command),
    ...chains.flatMap((each) => creation(command, each, family)),
  ]);
  return {
    apply: `${isTproxy ? routingScript("add") : ""}${apply}`,
    remove: `${remove}${isTproxy ? routingScript("del") : ""}`,
  };
}

function forBoth(lines: (family: 4 | 6, command: string) => string[]): string {
  return [
    ...lines(4, "iptables -w"),
    "if ip6tables -w -t nat -L -n >/dev/null 2>&1; then",
    ...lines(6, "ip6tables -w").map((line) => `  ${line}`),
    "fi",
    "",
  ].join("\n");
}

function removal(command: string): string[] {
  const quiet = "2>/dev/null || true";
  return NAMES.flatMap(([table, from]) => {
    const name = `FAIRLEAD_${from}`;
    return [
      `${command} -t ${table} -D ${from} -p tcp -j ${name} ${quiet}`,
      `${command} -t ${table} -F ${name} ${quiet}`,
      `${command} -t ${table} -X ${name} ${quiet}`,
    ];
  });
}

function creation(command: string, { table, name, from, rules }: Chain, family: 4 | 6): string[] {
  return [
    `${command} -t ${table} -N ${name}`,
    ...rules(family).map((rule) => `${command} -t ${table} -A ${name} ${rule}`),
    `${command} -t ${table} -I ${from} 1 -p tcp -j ${name}`,
  ];
}

function redirectChains(spec: RulesSpec): Chain[] {
  const outbound = `-p tcp -j REDIRECT --to-ports ${spec.outboundPort}`;
  const nat = (from: Chain["from"], rules: Chain["rules"]): Chain => ({
    ...{ table: "nat", name: `FAIRLEAD_${from}`, from, rules },
  });
  if (spec.mode === "node")
    return [nat("PREROUTING", (family) => fromPods(spec, family, [outbound]))];
  const output = nat("OUTPUT", (family) => [
    ...exemptOwners(spec),
    ...exemptDestinations(spec, family),
    ...targets(spec, family, [outbound]),
  ]);
  if (spec.inboundPort === null) return [output];
  const inbound = `-p tcp -j REDIRECT --to-ports ${spec.inboundPort}`;
  return [output, nat("PREROUTING", () => [...exemptInbound(spec), inbound])];
}

function tproxyChains(spec: RulesSpec): Chain[] {
  const mangle = (from: Chain["from"], rules: Chain["rules"]): Chain => ({
    ...{ table: "mangle", name: `FAIRLEAD_${from}`, from, rules },
  });
  const isReply = "-m conntrack --ctdir REPLY -j RETURN";
  const output = mangle("OUTPUT", (family) => [
    isReply,
    `-m connmark --mark ${MARK} -j RETURN`,
    // A socket that was closed has no owner any more, but its connection has its mark.
    ...owners(spec).map((match) => `${match} -j CONNMARK --set-mark ${MARK}`),
    `-m connmark --mark ${MARK} -j RETURN`,
    ...exemptDestinations(spec, family),
    ...targets(spec, family, [`-j MARK --set-mark ${MARK}`]),
  ]);
  const prerouting = mangle("PREROUTING", (family) => [
    `-i lo -m mark --mark ${MARK} ${tproxyTo(spec.outboundPort, family)}`,
    ...(spec.inboundPort === null
      ? []
      : [
          isReply,
          ...exemptInbound(spec),
          "-m addrtype ! --dst-type LOCAL -j RETURN",
          tproxyTo(spec.inboundPort, family),
        ]),
  ]);
  return [output, prerouting];
}

function tproxyTo(port: number, family: 4 | 6): string {
  const ip = family === 4 ? "127.0.0.1" : "::1";
  return `-p tcp -j TPROXY --on-port ${port} --on-ip ${ip} --tproxy-mark ${MARK}`;
}

function owners({ uids, gids }: RulesSpec): string[] {
  return [
    ...uids.map((uid) => `-m owner --uid-owner ${uid}`),
    ...gids.map((gid) => `-m owner --gid-owner ${gid}`),
  ];
}

function exemptOwners(spec: RulesSpec): string[] {
  return owners(spec).map((match) => `${match} -j RETURN`);
}

function exemptDestinations(spec: RulesSpec, family: 4 | 6): string[] {
  const { skipCidrs, skipOutboundPorts } = spec;
  return [
    ...ofFamily([...LOOPBACK, ...skipCidrs], family).map((cidr) => `-d ${cidr} -j RETURN`),
    ...skipOutboundPorts.map(portRule),
  ];
}

function exemptInbound({ outboundPort, inboundPort, skipInboundPorts }: RulesSpec): string[] {
  const ports = [String(outboundPort), String(inboundPort), ...skipInboundPorts];
  return ["-i lo -j RETURN", ...ports.map(portRule)];
}

function portRule(ports: string): string {
  return `-p tcp --dport ${ports.replace("-", ":")} -j RETURN`;
}

/** Rules for the destinations that are captured: all, or those that are named. */
function targets({ onlyCidrs }: RulesSpec, family: 4 | 6, rules: readonly string[]): string[] {
  if (onlyCidrs.length === 0) return [...rules];
  return ofFamily(onlyCidrs, family).flatMap((cidr) => rules.map((rule) => `-d ${cidr} ${rule}`));
}

function fromPods(spec: RulesSpec, family: 4 | 6, rules: readonly string[]): string[] {
  return [
    ...exemptDestinations(spec, family),
    ...ofFamily(spec.sourceCidrs, family).flatMap((cidr) =>
      targets(spec, family, rules).map((rule) => `-s ${cidr} ${rule}`),
    ),
  ];
}
