/**
 * Where the listeners of a configuration are bound, of the places that whoever runs the proxy has
 * named, and which of these are left over. Pure.
 */
import type { ListenerSpec } from "../../mesh/index.ts";
import { type ListenAddress, listenAddressText } from "../../transport/index.ts";
import type { ListenPlace } from "../config.ts";

/** What came of placing. */
export interface PlacedListeners {
  /** In the order of the configuration. One without an address is at several places. */
  readonly placed: readonly (readonly [ListenerSpec, ListenAddress])[];
  /** Places that no listener has: each as it is written, and why. */
  readonly unused: readonly { readonly place: string; readonly reason: string }[];
}

/**
 * A place with a port is for listeners of that port. Those without one go to the other ports, the
 * lowest first, whatever the listeners are called; and all of them to a listener that has no
 * address, which is for the calls of this process.
 */
export function placeListeners(
  specs: readonly ListenerSpec[],
  places: readonly ListenPlace[],
): PlacedListeners {
  const anywhere = places.filter(({ port }) => port === null).map(({ address }) => address);
  const byPort = new Map<number, ListenAddress>();
  for (const { port, address } of places) if (port !== null) byPort.set(port, address);
  const named = specs.flatMap(({ address }) => (address === null ? [] : [address.port]));
  const ports = [...new Set(named)].sort((a, b) => a - b);
  const unnamed = ports.filter((port) => !byPort.has(port));
  for (const [i, port] of unnamed.entries()) {
    const place = anywhere[i];
    if (place !== undefined) byPort.set(port, place);
  }
  const placed = specs.flatMap((spec): (readonly [ListenerSpec, ListenAddress])[] => {
    const { address } = spec;
    if (address === null) return anywhere.map((place) => [spec, place]);
    return [[spec, byPort.get(address.port) ?? address]];
  });
  if (ports.length === 0) return { placed, unused: [] };
  const has = `there are listeners of ${ports.join(", ")}`;
  const unused = places.flatMap(({ port, address }) => {
    const at = listenAddressText(address);
    if (port !== null) {
      const reason = `no listener has port ${port}; ${has}`;
      return ports.includes(port) ? [] : [{ place: `${port}=${at}`, reason }];
    }
    const isUsed = placed.some(([, used]) => used === address);
    return isUsed ? [] : [{ place: at, reason: `every port has a place; ${has}` }];
  });
  return { placed, unused };
}
