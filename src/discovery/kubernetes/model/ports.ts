/**
 * Which port of a slice a target means.
 *
 * A name is looked up in the slice, which carries the names of the Service's ports: no Service is
 * needed. A number N is, in this order: the port N of the Service, which leads to a name; a port N
 * of the slice; and, when no Service can be read that would say otherwise, the port N of the pod,
 * which is what kuberesolver means by a number. Without a port it is the first of the Service, or
 * else of the slice. Only TCP ports count: gRPC has no other.
 */
import type { EndpointSlice, Service, ServicePort } from "../objects.ts";
import type { TargetPort } from "../target.ts";

/** What is known of the Service. */
export type ServiceState =
  | { readonly kind: "known"; readonly service: Service }
  /** The source has no such Service. */
  | { readonly kind: "absent" }
  /** The source may not read it, and says why. */
  | { readonly kind: "unreadable"; readonly reason: string };

/** How the ports of all slices of a Service are found. */
export interface PortRule {
  readonly kind: "name" | "number" | "first";
  /** Of kind "name": the name in the slice. */
  readonly name: string;
  /** For a slice port that is nil ("any"): the number to use; null when nobody tells one. */
  readonly anyPort: number | null;
  /** Of kind "number": used as it is where the slice does not have it. */
  readonly isPodPort: boolean;
  /** For people. */
  readonly text: string;
}

/** The port of one slice, or a clause that says why there is none. */
export type PortChoice =
  | { readonly port: number; readonly refusal: null }
  | { readonly port: null; readonly refusal: string };

/** The rule for a target's port, by what is known of the Service. */
export function portRuleOf(port: TargetPort, state: ServiceState): PortRule {
  const service = state.kind === "known" ? state.service : null;
  const ports = service?.ports.filter(isTcp) ?? [];
  if (port.kind === "name") {
    const found = ports.find(({ name }) => name === port.name);
    return byName(port.name, found, `port ${JSON.stringify(port.name)} of the slice, by its name`);
  }
  if (port.kind === "first") {
    if (ports.length === 0) return { ...NONE, kind: "first", text: "the first port of the slice" };
    const [first] = ports;
    return byName(first.name, first, `the first port of the Service, ${portText(first)}`);
  }
  const { number } = port;
  const found = ports.find((each) => each.port === number);
  if (found !== undefined)
    return byName(found.name, found, `port ${portText(found)} of the Service`);
  // A headless Service may have no ports at all: then nothing says what N could be but the pod's.
  const isPodPort = service === null || service.ports.length === 0;
  return { ...NONE, kind: "number", anyPort: number, isPodPort, text: numberText(number, state) };
}

const NONE = { name: "", anyPort: null, isPodPort: false } as const;

function byName(name: string, port: ServicePort | undefined, text: string): PortRule {
  return { kind: "name", name, anyPort: anyPortOf(port), isPodPort: false, text };
}

/** "A nil port means any": then the Service's targetPort says which, unless that is a name too. */
function anyPortOf(port: ServicePort | undefined): number | null {
  if (port === undefined) return null;
  if (port.targetPort === null) return port.port;
  return typeof port.targetPort === "number" ? port.targetPort : null;
}

function portText({ port, name }: ServicePort): string {
  return name === "" ? String(port) : `${port} (${JSON.stringify(name)})`;
}

function numberText(number: number, state: ServiceState): string {
  if (state.kind === "unreadable") return `port ${number} of the pod: the Service cannot be read`;
  if (state.kind === "absent") return `port ${number} of the pod: there is no Service`;
  if (state.service.ports.length === 0)
    return `port ${number} of the pod: the Service has no ports`;
  return `port ${number} of the slice: the Service has none of that number`;
}

/** The port of a slice by a rule. */
export function portOfSlice(rule: PortRule, slice: EndpointSlice): PortChoice {
  const ports = slice.ports.filter(isTcp);
  if (rule.kind === "number") {
    const found = ports.some(({ port }) => port === rule.anyPort || port === null);
    // An empty list says that no ports are defined, not that there are none.
    if (found || rule.isPodPort || slice.ports.length === 0) return chosen(rule.anyPort!);
    return refused(`its slice has no port ${rule.anyPort}, and the Service neither`);
  }
  const found = rule.kind === "first" ? ports[0] : ports.find(({ name }) => name === rule.name);
  if (found === undefined) return refused(missingText(rule));
  const port = found.port ?? rule.anyPort;
  if (port !== null) return chosen(port);
  return refused("its slice leaves the port open, and the Service names no number");
}

function missingText(rule: PortRule): string {
  if (rule.kind === "first") return "its slice has no TCP port";
  if (rule.name === "") return "its slice has no TCP port without a name";
  return `its slice has no TCP port ${JSON.stringify(rule.name)}`;
}

function chosen(port: number): PortChoice {
  return { port, refusal: null };
}

function refused(refusal: string): PortChoice {
  return { port: null, refusal };
}

/** Whether a port of a slice or a Service can carry gRPC. */
export function isTcp({ protocol }: { readonly protocol: string }): boolean {
  return protocol === "TCP";
}

/** Whether two rules choose the same port of every slice. */
export function samePortRule(a: PortRule, b: PortRule): boolean {
  return (
    a.kind === b.kind && a.name === b.name && a.anyPort === b.anyPort && a.isPodPort === b.isPodPort
  );
}
