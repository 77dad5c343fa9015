/** Addresses of xDS as texts: "10.0.0.1:50051", "[::1]:50051", "name:50051" or "unix:/path". */
import { isIP, isIPv6 } from "node:net";
import type { Address } from "../../../xds/index.ts";
import { canonicalIPv6 } from "../../ipv6.ts";
import { formatAddress } from "../../target.ts";
import { FieldProblem } from "./fields.ts";

/** A host with its port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** @param names whether a name may stand for an IP. */
export function addressText(address: Address | undefined, path: string, names: boolean): string {
  const inner = address?.address;
  if (inner?.case === "pipe" && inner.value.path !== "") return `unix:${inner.value.path}`;
  const { host, port } = hostPortOf(address, path);
  if (!names && isIP(host) === 0) {
    throw new FieldProblem(`${path}.socket_address.address`, `is ${show(host)}, must be an IP`);
  }
  return formatAddress(isIPv6(host) ? canonicalIPv6(host) : host, port);
}

/** Of a socket address. */
export function hostPortOf(address: Address | undefined, path: string): HostPort {
  const inner = address?.address;
  if (inner?.case !== "socketAddress") throw new FieldProblem(path, "must be a socket_address");
  const { address: host, portSpecifier, protocol } = inner.value;
  const at = `${path}.socket_address`;
  // 0: TCP.
  if (protocol !== 0) throw new FieldProblem(`${at}.protocol`, "must be TCP");
  if (host === "") throw new FieldProblem(`${at}.address`, "is missing");
  if (portSpecifier.case !== "portValue") throw new FieldProblem(at, "must have a port_value");
  const port = portSpecifier.value;
  if (port >= 1 && port <= 65_535) return { host, port };
  throw new FieldProblem(`${at}.port_value`, `is ${port}, must be from 1 to 65535`);
}

function show(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
