/** Our endpoints in the words of grpc-js: addresses as objects, and nothing else of them. */
import { isIPv6 } from "node:net";
import type { experimental } from "@grpc/grpc-js";
import type { Endpoint } from "../../../discovery/index.ts";

type GrpcEndpoint = experimental.Endpoint;
type Address = experimental.SubchannelAddress;

/** All addresses of an endpoint, the preferred one first: its leaf tries them in this order. */
export function toGrpcEndpoint({ addresses }: Endpoint): GrpcEndpoint {
  return { addresses: addresses.map(toAddress) };
}

/** "unix:/path" is a path; "[::1]:50051" and "name:50051" are a host and a port. */
function toAddress(address: string): Address {
  if (address.startsWith("unix:")) return { path: address.slice("unix:".length) };
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon);
  const bare = host.startsWith("[") ? host.slice(1, -1) : host;
  return { host: isIPv6(bare) ? bare : host, port: Number(address.slice(colon + 1)) };
}

/** The same text for the same addresses in the same order. */
export function endpointKey({ addresses }: GrpcEndpoint): string {
  return addresses
    .map((address) => ("path" in address ? `unix:${address.path}` : JSON.stringify(address)))
    .join(" ");
}
