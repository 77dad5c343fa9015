/**
 * The addresses that a Gateway is reached at: those of the Services that say that they stand in
 * front of it. Proxies are run by whoever runs them, so nobody else could tell.
 *
 * GEP-1762 names the label of what carries a Gateway; GatewayStatus.addresses is for "network
 * addresses that have been bound to the Gateway".
 */
import {
  GATEWAY_NAME_LABEL,
  type Gateway,
  type GatewayAddress,
  type Service,
} from "../discovery/index.ts";
import type { Fault } from "./conditions.ts";

/** Addresses of a status (the API's own limit). */
export const STATUS_ADDRESSES_MAX = 16;

/** Tells checked addresses from checked host names. */
const IP = /^\d+(\.\d+){3}$|:/;

/** See the head of this file. */
export interface FoundAddresses {
  readonly addresses: readonly GatewayAddress[];
  /** Why an address that was asked for, or any at all, is not there; null: nothing is missing. */
  readonly fault: Fault | null;
}

/** "namespace/name" of the Gateway that a Service carries; null: of none. */
export function carriedBy({ metadata }: Service): string | null {
  const name = metadata.labels[GATEWAY_NAME_LABEL];
  return name === undefined ? null : `${metadata.namespace}/${name}`;
}

/** @param services those that carry it, in the order of their names. */
export function addressesOf(gateway: Gateway, services: readonly Service[]): FoundAddresses {
  const values = new Set(services.flatMap(valuesOf));
  const addresses = [...values].slice(0, STATUS_ADDRESSES_MAX).map((value) => ({
    ...{ type: IP.test(value) ? "IPAddress" : "Hostname", value },
  }));
  return { addresses, fault: faultOf(gateway, services, values) };
}

/** As clients of a Service reach it: by its load balancer, or else inside the cluster. */
function valuesOf({ type, clusterIps, loadBalancerAddresses = [] }: Service): readonly string[] {
  if (type === "ExternalName") return [];
  return type === "LoadBalancer" ? loadBalancerAddresses : clusterIps;
}

function faultOf(
  { addresses }: Gateway,
  services: readonly Service[],
  values: ReadonlySet<string>,
): Fault | null {
  const asked = addresses.find(({ value }) => value !== "" && !values.has(value));
  if (asked !== undefined) {
    const why =
      services.length === 0
        ? `no Service has the label ${GATEWAY_NAME_LABEL} of this Gateway`
        : `it is no address of ${namesOf(services)}`;
    const message = `address ${asked.value} cannot be assigned: ${why}`;
    return { reason: "AddressNotUsable", message };
  }
  if (services.length === 0 || values.size > 0) return null;
  return { reason: "AddressNotAssigned", message: `${namesOf(services)} has no address yet` };
}

function namesOf(services: readonly Service[]): string {
  return services.map(({ metadata }) => `Service ${metadata.name}`).join(" or ");
}
