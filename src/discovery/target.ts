/**
 * Targets: the text by which a user says what to connect to, parsed.
 * https://github.com/grpc/grpc/blob/master/doc/naming.md, with two differences: a port is always
 * required (gRPC assumes 443; only a Service has a first one), and a bare list of IP addresses is
 * taken without a scheme.
 *
 * Nothing is looked up here.
 */
import { isIPv4, isIPv6 } from "node:net";
import { formatAddress } from "../transport/index.ts";
import { canonicalIPv6 } from "./ipv6.ts";
import { type KubernetesTarget, parseKubernetes } from "./kubernetes/target.ts";

/** A target that lists its addresses. */
export interface StaticTarget {
  readonly kind: "static";
  /** As it was given. */
  readonly target: string;
  /** "10.0.0.1:1", "[::1]:1", "name:1" or "unix:/path", in canonical form and in order. */
  readonly addresses: readonly string[];
}

/** A target whose addresses DNS knows. */
export interface DnsTarget {
  readonly kind: "dns";
  /** As it was given. */
  readonly target: string;
  /** The name to look up, in lower case. */
  readonly host: string;
  /** A number; or the name of a port, in lower case, whose SRV records say the number. */
  readonly port: number | string;
  /** "ip:port" of the DNS server to ask, or null for the system's resolver. */
  readonly server: string | null;
}

/** A target that an xDS server knows: gRFC A27. */
export interface XdsTarget {
  readonly kind: "xds";
  /** As it was given. */
  readonly target: string;
  /** What follows `xds:///`. */
  readonly name: string;
}

/** What a target means. */
export type ParsedTarget = StaticTarget | DnsTarget | KubernetesTarget | XdsTarget;

/** A target cannot be understood. The message is one sentence that names it and what is allowed. */
export class TargetError extends Error {
  override readonly name = "TargetError";

  /** @param reason what is wrong, as a clause. */
  constructor(target: string, reason: string) {
    super(`target ${JSON.stringify(target)}: ${reason}`);
  }
}

const ALLOWED =
  "allowed are HOST:PORT, IP:PORT[,IP:PORT...], dns:///HOST:PORT, static:///HOST:PORT[,...], " +
  "kubernetes:///SERVICE.NAMESPACE:PORT, xds:///NAME, ipv4:, ipv6: and unix:/PATH";

const DNS_PORT = 53;

/** Names of ports in Kubernetes: a DNS label. One without a letter would be a number. */
const PORT_NAME = /^(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** Stands in for a port that has a name, where only the host is of interest. */
const ANY_PORT = 1;

/** A host and a port; `isIp` when the host is an address, then in canonical form. */
interface HostPort {
  readonly host: string;
  readonly port: number;
  readonly isIp: boolean;
}

/**
 * Parses a target.
 *
 * @throws TargetError when it is malformed, of an unknown scheme, or lacks a port.
 */
export function parseTarget(target: string): ParsedTarget {
  if (target.trim() === "") throw new TargetError(target, `it is empty: ${ALLOWED}`);
  if (/\s/.test(target)) throw new TargetError(target, "it contains white space");
  const colon = target.indexOf(":");
  const scheme = target.slice(0, colon).toLowerCase();
  const rest = target.slice(colon + 1);
  switch (scheme) {
    case "static":
      return parseList(target, withoutAuthority(target, rest), "any");
    case "ipv4":
    case "ipv6":
      return parseList(target, withoutAuthority(target, rest), scheme);
    case "unix":
      return parseUnix(target, rest);
    case "dns":
      return parseDns(target, rest);
    case "kubernetes":
      return orThrow(target, parseKubernetes(target, rest));
    case "xds":
      return parseXds(target, rest);
    default:
      return parseBare(target);
  }
}

function orThrow<T>(target: string, parsed: T | string): T {
  if (typeof parsed === "string") throw new TargetError(target, parsed);
  return parsed;
}

function parseBare(target: string): ParsedTarget {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(target)?.[1];
  if (scheme !== undefined) {
    throw new TargetError(target, `unknown scheme ${JSON.stringify(scheme)}: ${ALLOWED}`);
  }
  if (target.includes(",")) return parseList(target, target, "ip");
  const { host, port, isIp } = parseHostPort(target, target);
  if (isIp) return { kind: "static", target, addresses: [formatAddress(host, port)] };
  return { kind: "dns", target, host, port, server: null };
}

function parseDns(target: string, rest: string): ParsedTarget {
  const [authority, path] = splitAuthority(rest);
  if (path.includes(",")) {
    throw new TargetError(target, "dns takes one name; a list needs the scheme static");
  }
  if (authority !== "" && path === "") {
    throw new TargetError(target, `the name is missing: write dns:///${authority}, three slashes`);
  }
  const server = authority === "" ? null : parseServer(target, authority);
  const [, hostText, portName] = /^([^:]*|\[.*\]):([^:]*[a-z][^:]*)$/i.exec(path) ?? [];
  if (portName !== undefined) return parseNamedPort(target, hostText, portName, server);
  const { host, port, isIp } = parseHostPort(target, path);
  if (isIp) return { kind: "static", target, addresses: [formatAddress(host, port)] };
  return { kind: "dns", target, host, port, server };
}

/** A port by its name is found by SRV records, which only a name can have. */
function parseNamedPort(
  target: string,
  hostText: string,
  portText: string,
  server: string | null,
): DnsTarget {
  const port = portText.toLowerCase();
  if (!PORT_NAME.test(port)) {
    throw new TargetError(
      target,
      `port ${JSON.stringify(portText)} must be a number from 1 to 65535 or the name of a port`,
    );
  }
  const { host, isIp } = parseHostPort(target, `${hostText}:${ANY_PORT}`);
  if (!isIp) return { kind: "dns", target, host, port, server };
  throw new TargetError(
    target,
    `the address ${JSON.stringify(host)} needs a port number: port names belong to names`,
  );
}

/** "8.8.8.8", "8.8.8.8:53" or "[::1]:53": a DNS server is an address, or we could not ask it. */
function parseServer(target: string, authority: string): string {
  const hasPort = /^(\[.*\]|[^:[\]]*):\d+$/.test(authority);
  const full = hasPort ? authority : `${authority}:${DNS_PORT}`;
  const { host, port, isIp } = parseHostPort(target, full);
  if (isIp) return formatAddress(host, port);
  throw new TargetError(target, `the DNS server ${JSON.stringify(authority)} must be an IP`);
}

/** "xds:NAME" as well: gRPC takes both. Authorities (A47) are refused. */
function parseXds(target: string, rest: string): XdsTarget {
  const [authority, name] = splitAuthority(rest);
  if (authority !== "") {
    const hint = name === "" ? `write xds:///${authority}` : "write xds:///NAME";
    throw new TargetError(target, `xds takes no authority (gRFC A47 is not supported): ${hint}`);
  }
  if (name === "") throw new TargetError(target, "the name is missing: write xds:///NAME");
  return { kind: "xds", target, name };
}

function parseUnix(target: string, rest: string): StaticTarget {
  const [authority, path] = splitAuthority(rest);
  if (authority !== "") {
    throw new TargetError(target, "unix takes no host: write unix:/PATH or unix:///PATH");
  }
  const file = rest.startsWith("//") ? `/${path}` : path;
  if (file === "" || file === "/") throw new TargetError(target, "the path of the socket is empty");
  if (file.includes("\0")) throw new TargetError(target, "the path has a NUL byte");
  return { kind: "static", target, addresses: [`unix:${file}`] };
}

function parseList(
  target: string,
  list: string,
  allowed: "any" | "ip" | "ipv4" | "ipv6",
): StaticTarget {
  const addresses = list.split(",").map((part) => {
    if (part === "") throw new TargetError(target, "the list has an empty entry");
    const { host, port, isIp } = parseHostPort(target, part);
    if (allowed === "ip" && !isIp) {
      throw new TargetError(
        target,
        `a list without a scheme takes IP addresses only, ${JSON.stringify(part)} is none: ` +
          "write static:///HOST:PORT,HOST:PORT",
      );
    }
    if ((allowed === "ipv4" && !isIPv4(host)) || (allowed === "ipv6" && !isIPv6(host))) {
      throw new TargetError(target, `${JSON.stringify(host)} is not an ${allowed} address`);
    }
    return formatAddress(host, port);
  });
  return { kind: "static", target, addresses };
}

/** Splits "//authority/path" and "path"; the path without its first slash if there are two. */
function splitAuthority(rest: string): [authority: string, path: string] {
  if (!rest.startsWith("//")) return ["", rest];
  const slash = rest.indexOf("/", 2);
  return slash < 0 ? [rest.slice(2), ""] : [rest.slice(2, slash), rest.slice(slash + 1)];
}

function withoutAuthority(target: string, rest: string): string {
  const [authority, path] = splitAuthority(rest);
  if (authority === "") return path;
  const scheme = target.slice(0, target.indexOf(":"));
  throw new TargetError(
    target,
    `${scheme} takes no authority: write ${scheme}:///${authority}, with three slashes`,
  );
}

function parseHostPort(target: string, text: string): HostPort {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(text);
  if (match === null) {
    const hint = isIPv6(text.replace(/:\d+$/, "")) || isIPv6(text) ? ": write [IPV6]:PORT" : "";
    throw new TargetError(target, `${JSON.stringify(text)} is not HOST:PORT${hint}`);
  }
  const [, bracketed, plain, portText] = match;
  const host = (bracketed ?? plain).toLowerCase();
  if (host === "" && bracketed === undefined) {
    throw new TargetError(target, `the host is missing: ${ALLOWED}`);
  }
  if (portText === undefined || portText === "") {
    throw new TargetError(target, `the port is missing in ${JSON.stringify(text)}`);
  }
  const port = parsePort(target, portText);
  if (bracketed !== undefined) return { host: checkIPv6(target, host), port, isIp: true };
  if (isIPv4(host)) return { host, port, isIp: true };
  return { host: checkName(target, host), port, isIp: false };
}

function parsePort(target: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  const hint = PORT_NAME.test(text) ? ": write dns:///HOST:NAME for a port by its name" : "";
  throw new TargetError(
    target,
    `port ${JSON.stringify(text)} must be a number from 1 to 65535${hint}`,
  );
}

/** RFC 1123 names, and underscores, which some clusters have; a last dot marks a full name. */
function checkName(target: string, host: string): string {
  const labels = (host.endsWith(".") ? host.slice(0, -1) : host).split(".");
  const isName =
    host.length <= 253 &&
    labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  if (!isName) throw new TargetError(target, `${JSON.stringify(host)} is not a host name`);
  // RFC 1123 §2.1: no top-level name is all digits, so this was meant to be an address.
  if (/^\d+$/.test(labels.at(-1)!)) {
    throw new TargetError(target, `${JSON.stringify(host)} is not an IPv4 address`);
  }
  return host;
}

/** In canonical form; a scope id stays. */
function checkIPv6(target: string, host: string): string {
  if (!isIPv6(host)) {
    throw new TargetError(target, `${JSON.stringify(host)} is not an IPv6 address`);
  }
  const [address, ...scope] = host.split("%");
  return [canonicalIPv6(address), ...scope].join("%");
}
