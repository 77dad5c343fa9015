/**
 * Which original destinations are Services that speak gRPC: the address and port of a listener.
 *
 * An immutable table per configuration, found by one lookup a connection.
 */
import type { ListenerSpec, MeshConfig } from "../../mesh/index.ts";
import { type Destination, destinationText, plainIp } from "./sockaddr.ts";

/** Finds the listener of a destination. */
export interface DestinationTable {
  /** Null: no Service that we know by this address and port speaks gRPC. */
  find(destination: Destination): ListenerSpec | null;
  /** Destinations that are known. */
  readonly size: number;
}

/** Knows nothing: everything passes through. */
export const NO_DESTINATIONS: DestinationTable = { find: () => null, size: 0 };

/** The listeners that have an address. Of two with the same, the first counts. */
export function destinationsOf({ listeners }: MeshConfig): DestinationTable {
  const byAddress = new Map<string, ListenerSpec>();
  for (const listener of listeners) {
    const { address } = listener;
    if (address === null) continue;
    const key = destinationText({ ip: plainIp(address.host), port: address.port });
    if (!byAddress.has(key)) byAddress.set(key, listener);
  }
  return {
    find: (destination) => byAddress.get(destinationText(destination)) ?? null,
    size: byAddress.size,
  };
}
