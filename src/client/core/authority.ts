/**
 * The authority of a target: what goes into `:authority`, and whose host a certificate must carry.
 * gRFC A61 and https://github.com/grpc/grpc/blob/master/doc/naming.md leave it to the resolver.
 */
import { unreachable } from "../../base/index.ts";
import { parseTarget } from "../../discovery/index.ts";

/** Of a socket file, as other clients have it. */
const UNIX_AUTHORITY = "localhost";

/**
 * "host:port" of a name or of the first address; of a Service "SERVICE.NAMESPACE.svc", which is
 * what certificates inside a cluster are made for, with the port when it is a number.
 *
 * @throws TargetError when the target is malformed.
 */
export function authorityOf(target: string): string {
  const parsed = parseTarget(target);
  switch (parsed.kind) {
    case "dns":
      return typeof parsed.port === "number" ? `${parsed.host}:${parsed.port}` : parsed.host;
    case "static": {
      const [first] = parsed.addresses;
      return first === undefined || first.startsWith("unix:") ? UNIX_AUTHORITY : first;
    }
    case "kubernetes": {
      const { service, namespace, port } = parsed;
      const host = namespace === null ? service : `${service}.${namespace}.svc`;
      return port.kind === "number" ? `${host}:${port.number}` : host;
    }
    case "xds":
      // "the authority is the data plane's target": what follows `xds:///` (A27).
      return parsed.name;
    default:
      return unreachable(parsed);
  }
}
