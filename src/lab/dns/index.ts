/**
 * Folder `lab/dns`: a DNS server that answers as CoreDNS does for the lab's cluster.
 *
 * `zone.ts` is what it must be given; `items.ts` and `answer.ts` know what CoreDNS says,
 * `message.ts` the bytes, `server.ts` the sockets.
 */
export type { DnsFault } from "./fault.ts";
export { LabDns, type LabDnsDeps } from "./server.ts";
export type { DnsZone } from "./zone.ts";
