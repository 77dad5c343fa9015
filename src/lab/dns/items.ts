/**
 * The addresses and ports behind a Service's name, as CoreDNS's `kubernetes` plugin finds them: the
 * ready endpoints of a headless Service, the virtual IP of another.
 *
 * Pure. CoreDNS takes an endpoint whose `ready` is nil or true; it knows nothing of `serving`.
 */
import { isIPv6 } from "node:net";
import type { EndpointSlice, Service } from "../../discovery/index.ts";
import type { ClusterName } from "./question.ts";
import type { DnsZone } from "./zone.ts";

/** One address with one of its ports. */
export interface Item {
  readonly ip: string;
  /** Null when the Service has no port; such an item has no SRV record. */
  readonly port: number | null;
  /** The full name of the address. */
  readonly host: string;
}

/** Of ExternalName: the name that stands for it. */
export interface ExternalName {
  readonly externalName: string;
}

/** What is there; no items when the name does not exist. */
export function itemsOf(
  name: ClusterName & { readonly kind: "service" },
  zone: DnsZone,
): readonly Item[] | ExternalName {
  const { namespace, service: serviceName, endpoint } = name;
  const service = zone.service(namespace, serviceName);
  if (service === null) return [];
  if (service.type === "ExternalName") {
    const isWhole = endpoint === null && name.port === null;
    return isWhole ? { externalName: service.externalName } : [];
  }
  const base = `${serviceName}.${namespace}.svc.${zone.domain}`;
  if (service.clusterIp !== "None" && endpoint === null) return ofClusterIp(service, name, base);
  const slices = zone.slices(namespace, serviceName);
  return slices.flatMap((slice) => ofSlice(slice, service, name, base));
}

type Asked = Pick<ClusterName & { readonly kind: "service" }, "endpoint" | "port">;

function ofClusterIp(service: Service, { port }: Asked, host: string): readonly Item[] {
  return service.ports
    .filter((each) => isAsked(each, port))
    .map((each) => ({ ip: service.clusterIp, port: each.port, host }));
}

function ofSlice(
  slice: EndpointSlice,
  service: Service,
  { endpoint, port }: Asked,
  base: string,
): readonly Item[] {
  if (slice.addressType === "FQDN") return [];
  const isOfPortless = slice.ports.length === 0 && port === null;
  const ports: readonly (number | null)[] = isOfPortless
    ? [null]
    : slice.ports.filter((each) => isAsked(each, port)).map((each) => each.port);
  const items: Item[] = [];
  for (const { ready, addresses } of slice.endpoints) {
    if (ready === false && !service.publishNotReadyAddresses) continue;
    for (const ip of addresses) {
      const label = labelOf(ip);
      if (endpoint !== null && endpoint !== label) continue;
      for (const each of ports) items.push({ ip, port: each, host: `${label}.${base}` });
    }
  }
  return items;
}

function isAsked(port: { name: string; protocol: string }, asked: Asked["port"]): boolean {
  if (asked === null) return true;
  return port.name === asked.name && port.protocol.toLowerCase() === asked.protocol;
}

/** "10-0-0-1" or "fd00--1": what CoreDNS calls an endpoint without a host name. */
function labelOf(ip: string): string {
  return ip.replaceAll(isIPv6(ip) ? ":" : ".", "-");
}
