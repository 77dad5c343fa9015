/**
 * An address as text: put together for whoever reads it, taken apart for whoever connects to it.
 *
 * Not a parser of what users write: that is discovery's, which lets nothing else through.
 */

/** Listened on, every address of this machine: those of IPv4. */
export const ANY_IPV4 = "0.0.0.0";
/** The same of IPv6, and of IPv4 unless a socket says that it is of IPv6 alone. */
export const ANY_IPV6 = "::";

/** "host:port", with brackets around an IPv6 address. @param port a number or a name. */
export function formatAddress(host: string, port: number | string): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Where to connect to. */
export interface Place {
  /** Of a Unix socket; null: a host and a port. */
  readonly path: string | null;
  /** Without brackets; "localhost" for a Unix socket. */
  readonly host: string;
  /** 0 for a Unix socket. */
  readonly port: number;
}

/** @param address "HOST:PORT", "[IPV6]:PORT" or "unix:PATH". */
export function placeOf(address: string): Place {
  if (address.startsWith("unix:")) {
    return { path: address.slice("unix:".length), host: "localhost", port: 0 };
  }
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  return { path: null, host, port: Number(address.slice(colon + 1)) };
}
