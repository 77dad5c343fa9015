/**
 * The rule for names that have A and AAAA records: one family is used.
 *
 * DNS cannot say which addresses belong to the same server (gRFC A61), and a headless Service of a
 * dual-stack cluster has every pod twice. Taking all of them, as grpc-go and grpc-js do, means two
 * connections to each pod and two counters for its calls, so that `least_request` sees half of a
 * pod's load. Envoy's default is one family as well. It is IPv4, unless the kernel has a way to the
 * IPv6 address only: a client without IPv4 must not be left with addresses that it cannot reach.
 *
 * Loopback names keep both: `localhost` says nothing about which of the two a program listens on.
 */
import type { DnsSystem } from "./client.ts";

/** Addresses of one family or of both, and those that are left out with the reason. */
export interface ChosenFamily {
  readonly used: readonly string[];
  readonly skipped: readonly string[];
  /** Why `skipped` is not used, for people. */
  readonly reason: string;
}

/** See the head of this file. */
export async function chooseFamily(
  a: readonly string[],
  aaaa: readonly string[],
  system: Pick<DnsSystem, "hasRoute">,
): Promise<ChosenFamily> {
  const all = [...a, ...aaaa];
  if (a.length === 0 || aaaa.length === 0 || all.every(isLoopback)) {
    return { used: all, skipped: [], reason: "" };
  }
  if (await prefersIPv6(a[0], aaaa[0], system)) {
    return { used: aaaa, skipped: a, reason: "IPv4: no route from here, IPv6 is used" };
  }
  return { used: a, skipped: aaaa, reason: "IPv6: one family is used, IPv4" };
}

/** Of two addresses of one server, whether the kernel has a way to the IPv6 one only. */
export async function prefersIPv6(
  ipv4: string,
  ipv6: string,
  system: Pick<DnsSystem, "hasRoute">,
): Promise<boolean> {
  const [hasRoute4, hasRoute6] = await Promise.all([system.hasRoute(ipv4), system.hasRoute(ipv6)]);
  return hasRoute6 && !hasRoute4;
}

function isLoopback(ip: string): boolean {
  return ip === "::1" || ip.startsWith("127.");
}
