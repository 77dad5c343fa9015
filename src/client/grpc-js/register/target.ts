/**
 * Targets as grpc-js has taken them apart, put together for our parser, and the name that a server
 * is called by.
 *
 * grpc-js splits at the first colon and at slashes, which loses nothing. What it adds is that a
 * port may be missing: gRPC assumes 443 for names and addresses.
 */
import type { experimental } from "@grpc/grpc-js";
import { authorityOf } from "../../core/authority.ts";
import { dnsPathWithPort } from "../dns-port.ts";

type GrpcUri = experimental.GrpcUri;

/** The text of a target, as `parseTarget` takes it. */
export function targetText(uri: GrpcUri): string {
  const authority = uri.authority === undefined ? "" : `//${uri.authority}/`;
  const path = uri.scheme === "dns" ? dnsPathWithPort(uri.path) : uri.path;
  return `${uri.scheme}:${authority}${path}`;
}

/**
 * What `:authority` says and a certificate has to be for. A port that is not a number is left out:
 * an authority has only numbers.
 *
 * @throws TargetError, except for the scheme `dns`, whose resolver tells the error to calls.
 */
export function defaultAuthority(uri: GrpcUri): string {
  // As grpc-js does, byte for byte, but for the name of a port.
  if (uri.scheme === "dns") return uri.path.replace(/:(?!\d+$)[^:\]]*$/, "");
  return authorityOf(targetText(uri));
}
