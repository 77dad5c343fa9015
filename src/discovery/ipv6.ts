/** The one spelling of an IPv6 address, so that two spellings of it are one endpoint. RFC 5952. */

/** @param ip an IPv6 address without brackets and without a scope. */
export function canonicalIPv6(ip: string): string {
  // What `URL` writes is what the RFC asks for.
  return new URL(`http://[${ip}]`).hostname.slice(1, -1);
}
