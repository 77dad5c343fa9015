/**
 * Why a name that a gRPC client asked for leads nowhere, in words for who runs the client. Not for
 * names that lead somewhere: those have resources.
 */
import type { Service } from "../../discovery/index.ts";
import { isGrpcPort } from "../../mesh/index.ts";
import type { ObjectKey } from "../objects/state.ts";
import { grpcPortsOf, serviceOfListener } from "./names.ts";

/** What a target looks like. */
const FORM = "SERVICE.NAMESPACE:PORT";

/**
 * One clause.
 *
 * @param name of a listener, which is what follows `xds:///`.
 * @param namespace of who asks; "" when it is not known.
 */
export function listenerAbsence(
  name: string,
  namespace: string,
  services: ReadonlyMap<ObjectKey, { readonly service: Service }>,
): string {
  const key = serviceOfListener(name, namespace);
  if (key === null) {
    const isShort = serviceOfListener(name, "any") !== null;
    return isShort ? `no namespace in it: targets are ${FORM}` : `no target of the form ${FORM}`;
  }
  const service = services.get(key)?.service;
  if (service === undefined) return `no such Service: ${key}`;
  if (service.type === "ExternalName") return `Service ${key} is of type ExternalName`;
  const port = /:([^:]*)$/.exec(name)?.[1];
  const grpcPorts = grpcPortsOf(service).map((each) => each.port);
  const found = service.ports.find((each) => String(each.port) === port || each.name === port);
  if (found !== undefined && !isGrpcPort(found)) {
    const { protocol, name: label } = found;
    const why = protocol === "TCP" ? "no appProtocol, not named grpc or grpc-..." : protocol;
    return `Service ${key} has no gRPC port ${port} (${label === "" ? "" : `${label}: `}${why})`;
  }
  if (grpcPorts.length === 0) return `Service ${key} has no gRPC port`;
  const ports = `its gRPC ports: ${grpcPorts.join(", ")}`;
  if (port !== undefined && found === undefined)
    return `Service ${key} has no port ${port}; ${ports}`;
  return `Service ${key} is not known by that name: targets are ${FORM}`;
}
