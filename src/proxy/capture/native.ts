/**
 * The two calls of the system that Node has no word for: `getsockopt` and `setsockopt`, by `koffi`.
 *
 * `koffi` is an optional peer of the package: it is loaded when a captured socket is to be
 * understood, and never else. Functions are bound once.
 */
import type { Server, Socket } from "node:net";
import { type Destination, readSockaddr, SOCKADDR_BYTES } from "./sockaddr.ts";

/** Of `ip(7)`, `ipv6(7)` and netfilter's headers. */
const SOL_IP = 0;
const SOL_IPV6 = 41;
const SO_ORIGINAL_DST = 80;
const IP6T_SO_ORIGINAL_DST = 80;
const IP_TRANSPARENT = 19;
const IPV6_TRANSPARENT = 75;

/** Names of what the kernel says when it refuses; others are told by number. */
const ERRNO: Readonly<Record<number, string>> = { 1: "EPERM", 2: "ENOENT", 92: "ENOPROTOOPT" };

/** Why capture cannot work here: one sentence for whoever started us. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
}

/** What `native.ts` can do; tests bring another. */
export interface SocketOptions {
  /** Where netfilter sent this connection away from; null: nobody redirected it, or it is gone. */
  originalDestination(socket: Socket, isIPv6: boolean): Destination | null;
  /**
   * Lets a listening socket take connections to addresses that are not ours (TPROXY).
   * @throws CaptureError without CAP_NET_ADMIN.
   */
  setTransparent(server: Server, isIPv6: boolean): void;
}

type GetOption = (fd: number, level: number, name: number, to: Buffer, length: number[]) => number;
type SetOption = (fd: number, level: number, name: number, of: Buffer, length: number) => number;

/**
 * Loads `koffi` and binds both calls.
 * @throws CaptureError (rejects) when there is no `koffi`, or it does not work here.
 */
export async function loadSocketOptions(): Promise<SocketOptions> {
  if (process.platform !== "linux") {
    throw new CaptureError(
      "captured connections need Linux: netfilter knows where they were to go",
    );
  }
  const { default: koffi } = await import("koffi").catch((error: Error) => {
    const { code } = error as NodeJS.ErrnoException;
    const isMissing = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
    const reason = isMissing ? "it is not installed: npm install koffi" : error.message;
    throw new CaptureError(`modes sidecar and node need the package koffi: ${reason}`);
  });
  try {
    const library = koffi.load(null);
    const get: GetOption = library.func(
      "int getsockopt(int fd, int level, int name, _Out_ uint8_t *to, _Inout_ uint32_t *length)",
    );
    const set: SetOption = library.func(
      "int setsockopt(int fd, int level, int name, uint8_t *of, uint32_t length)",
    );
    return new NativeSocketOptions(get, set, () => koffi.errno());
  } catch (error) {
    throw new CaptureError(`koffi does not work here: ${(error as Error).message}`);
  }
}

class NativeSocketOptions implements SocketOptions {
  readonly #get: GetOption;
  readonly #set: SetOption;
  readonly #errno: () => number;
  /** Calls are synchronous: one of each is enough. */
  readonly #address = Buffer.alloc(SOCKADDR_BYTES);
  readonly #length = [0];

  constructor(get: GetOption, set: SetOption, errno: () => number) {
    this.#get = get;
    this.#set = set;
    this.#errno = errno;
  }

  originalDestination(socket: Socket, isIPv6: boolean): Destination | null {
    const fd = descriptorOf(socket);
    if (fd < 0) return null;
    const level = isIPv6 ? SOL_IPV6 : SOL_IP;
    const name = isIPv6 ? IP6T_SO_ORIGINAL_DST : SO_ORIGINAL_DST;
    this.#length[0] = SOCKADDR_BYTES;
    if (this.#get(fd, level, name, this.#address, this.#length) !== 0) return null;
    return readSockaddr(this.#address);
  }

  setTransparent(server: Server, isIPv6: boolean): void {
    const on = Buffer.from(new Uint32Array([1]).buffer);
    const level = isIPv6 ? SOL_IPV6 : SOL_IP;
    const name = isIPv6 ? IPV6_TRANSPARENT : IP_TRANSPARENT;
    if (this.#set(descriptorOf(server), level, name, on, on.length) === 0) return;
    const errno = this.#errno();
    const reason = ERRNO[errno] ?? `errno ${errno}`;
    const hint = errno === 1 ? ": TPROXY needs CAP_NET_ADMIN" : "";
    throw new CaptureError(`the listener cannot be made transparent: ${reason}${hint}`);
  }
}

/** Node has it in the handle of sockets on every Unix, without a documented name; -1: closed. */
function descriptorOf(of: Socket | Server): number {
  return (of as unknown as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
}
