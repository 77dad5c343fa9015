/**
 * Addresses as the kernel lays them out in memory: `struct sockaddr_in` and `sockaddr_in6` of
 * Linux.
 *
 * Bytes in, values out; who asks the kernel is `native.ts`.
 */
import { formatAddress } from "../../transport/index.ts";

/** Where a connection was to go: an IP address without brackets, in one spelling, and a port. */
export interface Destination {
  readonly ip: string;
  readonly port: number;
}

/** `sizeof(struct sockaddr_in6)`: room for either. */
export const SOCKADDR_BYTES = 28;

/** Of `socket(2)` on Linux. */
const AF_INET = 2;
const AF_INET6 = 10;

/** What the bytes say; null when they are no address of TCP. The family is in host order. */
export function readSockaddr(bytes: Buffer): Destination | null {
  const family = bytes[0]! | (bytes[1]! << 8);
  const port = bytes.readUInt16BE(2);
  if (family === AF_INET) return { ip: bytes.subarray(4, 8).join("."), port };
  if (family !== AF_INET6) return null;
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(8 + 2 * i).toString(16));
  return { ip: plainIp(groups.join(":")), port };
}

/** The one spelling of an address: RFC 5952, and an IPv4 address where it is mapped into IPv6. */
export function plainIp(ip: string): string {
  if (!ip.includes(":")) return ip;
  // What `URL` writes is what the RFC asks for. A scope says where, and not whom.
  const text = new URL(`http://[${ip.replace(/%.*$/, "")}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text);
  if (mapped === null) return text;
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** "10.96.0.1:80" or "[fd00::1]:80". */
export function destinationText({ ip, port }: Destination): string {
  return formatAddress(ip, port);
}
