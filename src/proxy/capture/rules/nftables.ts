/**
 * Rules for nft(8): one table of our own, replaced as a whole in one transaction.
 *
 * Its hooks run just before those of kube-proxy (priority dstnat, -100): whoever redirects first is
 * who decides, and connections have their original destination then.
 */
import {
  LOOPBACK,
  MARK,
  ofFamily,
  type RulesScript,
  type RulesSpec,
  routingScript,
} from "./spec.ts";

const TABLE = "inet fairlead";
/** Before dstnat. */
const NAT_PRIORITY = -101;

/** The script of a spec. */
export function nftablesScript(spec: RulesSpec): RulesScript {
  const isTproxy = spec.by === "tproxy";
  const chains = isTproxy ? tproxyChains(spec) : redirectChains(spec);
  const remove = [`add table ${TABLE}`, `delete table ${TABLE}`];
  const table = [`table ${TABLE} {`, ...chains.map(indented), "}"];
  return {
    apply: `${isTproxy ? routingScript("add") : ""}${nft([...remove, ...table])}`,
    remove: `${nft(remove)}${isTproxy ? routingScript("del") : ""}`,
  };
}

/** nft(8) reads rules from its input as one transaction. */
function nft(lines: readonly string[]): string {
  return `nft -f - <<'RULES'\n${lines.join("\n")}\nRULES\n`;
}

function indented(line: string): string {
  return line.startsWith("chain") || line === "}" ? `  ${line}` : `    ${line}`;
}

function redirectChains(spec: RulesSpec): string[] {
  const outbound = `meta l4proto tcp redirect to :${spec.outboundPort}`;
  if (spec.mode === "node") {
    const rules = [...sources(spec, (match) => `${match} jump captured`)];
    return [
      ...chain("captured", null, [...exemptDestinations(spec), outbound]),
      ...chain("prerouting", nat("prerouting"), rules),
    ];
  }
  const output = [...exemptOwners(spec), ...exemptDestinations(spec), outbound];
  const chains = chain("output", nat("output"), output);
  if (spec.inboundPort === null) return chains;
  const inbound = `meta l4proto tcp redirect to :${spec.inboundPort}`;
  return [...chains, ...chain("prerouting", nat("prerouting"), [...exemptInbound(spec), inbound])];
}

/** Of a sidecar: on a node kube-proxy's rules would rewrite the destination all the same. */
function tproxyChains(spec: RulesSpec): string[] {
  const priority = "priority mangle; policy accept;";
  // A socket that was closed has no owner any more, but its connection has its mark.
  const owners = ownersOf(spec).map((match) => `${match} ct mark set ${MARK} return`);
  const output = [
    "meta l4proto != tcp return",
    "ct direction reply return",
    `ct mark ${MARK} return`,
    ...owners,
    ...exemptDestinations(spec),
    // The hook of type route looks for the way again: it leads back to us by the mark.
    `meta mark set ${MARK}`,
  ];
  const looped = tproxyTo(spec.outboundPort).map(
    (rule) => `iifname "lo" meta mark ${MARK} ${rule}`,
  );
  const inbound =
    spec.inboundPort === null
      ? []
      : [
          "ct direction reply return",
          ...exemptInbound(spec),
          "fib daddr type != local return",
          ...tproxyTo(spec.inboundPort),
        ];
  return [
    ...chain("output", `type route hook output ${priority}`, output),
    ...chain("prerouting", `type filter hook prerouting ${priority}`, [...looped, ...inbound]),
  ];
}

function tproxyTo(port: number): string[] {
  const rule = (family: "ipv4" | "ipv6", to: string): string =>
    `meta nfproto ${family} meta l4proto tcp tproxy ${to}:${port} meta mark set ${MARK} accept`;
  return [rule("ipv4", "ip to 127.0.0.1"), rule("ipv6", "ip6 to [::1]")];
}

function nat(hook: "output" | "prerouting"): string {
  return `type nat hook ${hook} priority ${NAT_PRIORITY}; policy accept;`;
}

function chain(name: string, head: string | null, rules: readonly string[]): string[] {
  return [`chain ${name} {`, ...(head === null ? [] : [head]), ...rules, "}"];
}

function ownersOf({ uids, gids }: RulesSpec): string[] {
  return [...matches("meta skuid", uids), ...matches("meta skgid", gids)];
}

function exemptOwners(spec: RulesSpec): string[] {
  return ["meta l4proto != tcp return", ...ownersOf(spec).map((match) => `${match} return`)];
}

function exemptDestinations(spec: RulesSpec): string[] {
  const { skipCidrs, skipOutboundPorts, onlyCidrs } = spec;
  return [
    ...byFamily("daddr", [...LOOPBACK, ...skipCidrs]).map((match) => `${match} return`),
    ...portMatches(skipOutboundPorts).map((match) => `${match} return`),
    ...(onlyCidrs.length === 0 ? [] : others(onlyCidrs)),
  ];
}

/** Of a family that is not named, nothing is captured. */
function others(cidrs: readonly string[]): string[] {
  const rule = (family: 4 | 6, word: string): string => {
    const own = ofFamily(cidrs, family);
    const protocol = `meta nfproto ipv${family}`;
    return own.length === 0 ? `${protocol} return` : `${word} daddr != ${setOf(own)} return`;
  };
  return [rule(4, "ip"), rule(6, "ip6")];
}

function exemptInbound({ outboundPort, inboundPort, skipInboundPorts }: RulesSpec): string[] {
  const ports = [outboundPort, inboundPort!, ...skipInboundPorts];
  return ['iifname "lo" return', ...portMatches(ports).map((match) => `${match} return`)];
}

function sources({ sourceCidrs }: RulesSpec, rule: (match: string) => string): string[] {
  return byFamily("saddr", sourceCidrs).map((match) => rule(`meta l4proto tcp ${match}`));
}

function byFamily(field: "saddr" | "daddr", cidrs: readonly string[]): string[] {
  return [
    ...matches(`ip ${field}`, ofFamily(cidrs, 4)),
    ...matches(`ip6 ${field}`, ofFamily(cidrs, 6)),
  ];
}

function matches(what: string, values: readonly (string | number)[]): string[] {
  return values.length === 0 ? [] : [`${what} ${setOf(values)}`];
}

/** One rule each: ranges may overlap. */
function portMatches(ports: readonly (string | number)[]): string[] {
  return ports.map((port) => `tcp dport ${port}`);
}

/** As nft(8) takes it. */
function setOf(values: readonly (string | number)[]): string {
  return `{ ${[...new Set(values)].join(", ")} }`;
}
