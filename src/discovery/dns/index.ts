/**
 * Folder `discovery/dns`: names, by A, AAAA and SRV records.
 *
 * `names.ts` (one per process) holds a `watch.ts` for each name, which repeats a `host-lookup.ts`
 * or a `service-lookup.ts`; `resolver.ts` tells a listener what they find. `system.ts` is the
 * network; everything else asks it.
 */
export type { DnsServers, DnsSystem } from "./client.ts";
export { DnsNames } from "./names.ts";
export { DnsResolver } from "./resolver.ts";
export { systemDns } from "./system.ts";
