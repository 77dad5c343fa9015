/**
 * The port that gRPC assumes where a target of the scheme `dns` names none; our own parser of
 * targets wants one.
 */
import { isIPv6 } from "node:net";

const DNS_PORT_DEFAULT = 443;

/** A target as a user wrote it: grpc-js takes a name without a port, with or without a scheme. */
export function targetWithPort(target: string): string {
  const isBare = /^(dns:(\/\/[^/]*\/)?)?[^:/,[\]]+$/.test(target);
  return isBare ? `${target}:${DNS_PORT_DEFAULT}` : target;
}

/** What stands behind `dns:` as grpc-js has taken it apart: a name or an address. */
export function dnsPathWithPort(path: string): string {
  if (isIPv6(path)) return `[${path}]:${DNS_PORT_DEFAULT}`;
  const hasPort = /^(\[[^\]]*\]|[^:[]*):./.test(path);
  return hasPort ? path : `${path}:${DNS_PORT_DEFAULT}`;
}
