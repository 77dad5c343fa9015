/**
 * What the lab's DNS server knows of the cluster: Services and their slices, looked up by name.
 *
 * An interface only. Who holds the lab's objects implements it; each lookup must tell what is true
 * at that moment, because the server keeps nothing.
 */
import type { EndpointSlice, Service } from "../../discovery/index.ts";

/** See the head of this file. Names are in lower case. */
export interface DnsZone {
  /** The cluster's domain without a last dot: "cluster.local". */
  readonly domain: string;
  /** Whether there is such a namespace: names below one that is missing do not exist. */
  hasNamespace(namespace: string): boolean;
  /** The Service of that name, or null. */
  service(namespace: string, name: string): Service | null;
  /** All slices that belong to the Service of that name, of both families. */
  slices(namespace: string, service: string): readonly EndpointSlice[];
}
