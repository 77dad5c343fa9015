/**
 * Where a captured connection was to go, by either way in which the kernel captures: REDIRECT keeps
 * it in its table of connections, TPROXY leaves it in the socket itself.
 */
import type { Server, Socket } from "node:net";
import type { SocketOptions } from "./native.ts";
import { type Destination, plainIp } from "./sockaddr.ts";

/** How rules capture: `redirect` rewrites the destination, `tproxy` does not (CAP_NET_ADMIN). */
export type CaptureBy = "redirect" | "tproxy";

/** Tells original destinations. */
export interface OriginalDestinations {
  /** What a listening socket needs before it is of use. @throws CaptureError */
  prepare(server: Server, isIPv6: boolean): void;
  /** Null: not captured, or closed meanwhile. */
  of(socket: Socket): Destination | null;
}

/** The lookup that fits the rules. */
export function originalDestinations(by: CaptureBy, options: SocketOptions): OriginalDestinations {
  if (by === "tproxy") {
    return {
      prepare: (server, isIPv6) => options.setTransparent(server, isIPv6),
      of: localAddressOf,
    };
  }
  return {
    prepare: () => {},
    of: (socket) => {
      const local = localAddressOf(socket);
      return local && options.originalDestination(socket, local.ip.includes(":"));
    },
  };
}

/** The address at our end of a socket. */
function localAddressOf({ localAddress, localPort }: Socket): Destination | null {
  if (localAddress === undefined || localPort === undefined) return null;
  return { ip: plainIp(localAddress), port: localPort };
}
