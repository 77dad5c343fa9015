/**
 * What rules of netfilter capture, and what they leave alone: the values that a script is made of.
 */
import { BlockList, isIP } from "node:net";
import type { CaptureConfig } from "../capture-relay.ts";

/** Whose rules: those of nft(8), or of iptables(8) and ip6tables(8). */
export type RulesFlavour = "nftables" | "iptables";

/** See the head of this file. */
export interface RulesSpec extends CaptureConfig {
  /** Users and groups whose connections are not captured: the proxy's own, or they would loop. */
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  /** Ports, by number or range "1000-2000", that are not captured. */
  readonly skipOutboundPorts: readonly string[];
  readonly skipInboundPorts: readonly string[];
  /** Destinations that are not captured: addresses or CIDRs of either family. */
  readonly skipCidrs: readonly string[];
  /** Only these destinations are captured; empty: all. */
  readonly onlyCidrs: readonly string[];
  /** In node mode: addresses of the pods whose connections are captured; at least one. */
  readonly sourceCidrs: readonly string[];
}

/** A script for `sh -eu`, that does the same when it is run again. */
export interface RulesScript {
  readonly apply: string;
  /** Harmless when nothing was applied. */
  readonly remove: string;
}

/** The user and group that a captured pod's proxy runs as, unless others are chosen. */
export const PROXY_UID = 15_001;

/** What TPROXY marks packets and connections with. */
export const MARK = "0xfa1c";
/** Its routing table. */
const ROUTING_TABLE = "15001";

/** Loopback is never captured: what is dialled there is in this pod. */
export const LOOPBACK = ["127.0.0.0/8", "::1/128"];

/**
 * Those of one family, without those that lie in another of them: nft(8) refuses a set in which
 * ranges overlap.
 */
export function ofFamily(cidrs: readonly string[], family: 4 | 6): string[] {
  const wide = new BlockList();
  const type = family === 4 ? "ipv4" : "ipv6";
  const parts = cidrs.map((cidr) => {
    const [ip = "", bits] = cidr.split("/");
    return { cidr, ip, bits: Number(bits ?? (family === 4 ? 32 : 128)) };
  });
  const own = parts.filter(({ ip }) => isIP(ip) === family).sort((a, b) => a.bits - b.bits);
  return own.flatMap(({ cidr, ip, bits }) => {
    if (wide.check(ip, type)) return [];
    wide.addSubnet(ip, bits, type);
    return [cidr];
  });
}

/** An address or CIDR; null: the text is neither. */
export function tryParseCidr(text: string): string | null {
  const [, ip = "", bits] = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(ip);
  if (family === 0) return null;
  return bits !== undefined && Number(bits) > (family === 4 ? 32 : 128) ? null : text;
}

/** A port or a range of ports, "1000-2000"; null: the text is neither. */
export function tryParsePorts(text: string): string | null {
  const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (from === undefined) return null;
  const [low, high] = [Number(from), Number(to ?? from)];
  if (low < 1 || high > 65_535 || low > high) return null;
  return to === undefined ? String(low) : `${low}-${high}`;
}

/** The routes of TPROXY: marked packets are delivered here, whatever their destination. */
export function routingScript(verb: "add" | "del"): string {
  // Deleting what is not there fails, and so does a family that the system does not have.
  const each = (family: string): string[] => {
    const rule = `ip ${family} rule del fwmark ${MARK} lookup ${ROUTING_TABLE} 2>/dev/null || true`;
    const flush = `ip ${family} route flush table ${ROUTING_TABLE} 2>/dev/null || true`;
    if (verb === "del") return [rule, flush];
    const add = `ip ${family} rule add fwmark ${MARK} lookup ${ROUTING_TABLE}`;
    const route = `ip ${family} route replace local default dev lo table ${ROUTING_TABLE}`;
    const isOptional = family === "-6" ? " 2>/dev/null || true" : "";
    return [rule, `${add}${isOptional}`, `${route}${isOptional}`];
  };
  return [...each("-4"), ...each("-6"), ""].join("\n");
}
