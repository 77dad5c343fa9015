/** Addresses of xDS as texts: "10.0.0.1:50051", "[::1]:50051", "name:50051" or "unix:/path". */
import { isIP, isIPv6 } from "node:net";
import { printable } from "../../../base/index.ts";
import { formatAddress } from "../../../transport/index.ts";
import { type Address, FieldProblem, hostPortOf } from "../../../xds/index.ts";
import { canonicalIPv6 } from "../../ipv6.ts";

/** @param names whether a name may stand for an IP. */
export function addressText(address: Address | undefined, path: string, names: boolean): string {
  const inner = address?.address;
  if (inner?.case === "pipe" && inner.value.path !== "") return `unix:${inner.value.path}`;
  const { host, port } = hostPortOf(address, path);
  if (!names && isIP(host) === 0) {
    throw new FieldProblem(
      `${path}.socket_address.address`,
      `is "${printable(host)}", must be an IP`,
    );
  }
  return formatAddress(isIPv6(host) ? canonicalIPv6(host) : host, port);
}
