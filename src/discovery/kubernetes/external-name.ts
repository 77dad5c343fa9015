/**
 * What a Service of type ExternalName leads to: a name that DNS knows, and a port.
 *
 * Such a Service is a CNAME record and nothing else: slices of its name are not looked at, and its
 * ports, where it has any, are those of the name.
 */
import { isIP } from "node:net";
import { isTcp } from "./model/ports.ts";
import type { Service } from "./objects.ts";
import type { TargetPort } from "./target.ts";

/** A `dns` target, or a clause that says why there is none. */
export type ExternalTarget =
  | { readonly target: string; readonly problem: null }
  | { readonly target: null; readonly problem: string };

/** @param name "namespace/name" of the Service, for people. */
export function externalTarget(name: string, service: Service, port: TargetPort): ExternalTarget {
  const { externalName } = service;
  const ports = service.ports.filter(isTcp);
  const about = `service ${name} is an ExternalName`;
  if (externalName === "") return { target: null, problem: `${about} that names nothing` };
  if (port.kind === "number") return dns(externalName, port.number);
  const found = port.kind === "name" ? ports.find(({ name }) => name === port.name) : ports[0];
  if (found !== undefined) return dns(externalName, found.port);
  const what =
    port.kind === "name" ? `without a TCP port ${JSON.stringify(port.name)}` : "without TCP ports";
  return { target: null, problem: `${about} ${what}: give the target a number` };
}

/** The name is a full one, as that of a CNAME record is: no search list is tried. */
function dns(host: string, port: number): ExternalTarget {
  const dot = isIP(host) !== 0 || host.endsWith(".") ? "" : ".";
  return { target: `dns:///${host}${dot}:${port}`, problem: null };
}
