/**
 * A way through an HTTP proxy: CONNECT, RFC 9110 §9.3.6, over HTTP/1.1 (RFC 9112).
 *
 * Not an HTTP client: one request, one bounded answer, and from then on the socket belongs to whom
 * it leads to.
 */

import type { Socket } from "node:net";
import { assert, printable } from "../base/index.ts";
import type { Tunnel } from "./options.ts";
import { formatAddress } from "./place.ts";

/** Bytes of a proxy's answer, interim ones included, up to the end of its head. */
export const TUNNEL_HEAD_BYTES_MAX = 16_384;

const REDACTED = "***";
const HEAD_BEGIN = "HTTP/1.";
const HEAD_END = "\r\n\r\n";
const STATUS_LINE = /^HTTP\/1\.[01] ([1-5]\d\d)(?: ([^\r\n]*))?(?:\r\n|$)/;
/** RFC 9110 §5.5: what a field value must not hold. */
const FORBIDDEN = /[\r\n\0]/;

/** Asserts that what goes into the request is one line each: its maker has checked it. */
export function assertTunnel({ host, authorization }: Tunnel): void {
  assert(!FORBIDDEN.test(host), "the host of a tunnel is one line");
  assert(authorization === null || !FORBIDDEN.test(authorization), "a credential is one line");
}

/**
 * Asks the proxy at the other end of a connected socket. Resolves when the socket leads to the
 * tunnel's end, and rejects with an Error that says why it does not. An end of the socket is for
 * the caller to notice.
 */
export function openTunnel(socket: Socket, tunnel: Tunnel): Promise<void> {
  // The authority-form of RFC 9112 §3.2.3.
  const authority = formatAddress(tunnel.host, tunnel.port);
  const { authorization } = tunnel;
  return new Promise((resolve, reject) => {
    let seen: Buffer = Buffer.alloc(0);
    const onReadable = (): void => {
      for (let bytes = socket.read(); bytes !== null; bytes = socket.read()) {
        seen = Buffer.concat([seen, bytes]);
        const outcome = judgeAnswer(seen, authorization);
        if (outcome === null) continue;
        socket.off("readable", onReadable);
        if (typeof outcome === "string") {
          reject(new Error(`no tunnel to ${authority}: the proxy ${outcome}`));
          return;
        }
        // The server at the end may have spoken first.
        if (outcome.length > 0) socket.unshift(outcome);
        resolve();
        return;
      }
    };
    socket.on("readable", onReadable);
    const login = authorization === null ? "" : `Proxy-Authorization: ${authorization}\r\n`;
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login}\r\n`, "latin1");
  });
}

/**
 * What a proxy's answer so far means: what follows its head when the tunnel is open, or the rest of
 * a sentence about the proxy when it never will be; null when more is to come.
 */
function judgeAnswer(seen: Buffer, authorization: string | null): Buffer | string | null {
  for (let at = 0; ; ) {
    const begin = seen.toString("latin1", at, at + HEAD_BEGIN.length);
    if (!HEAD_BEGIN.startsWith(begin)) return "does not answer as an HTTP/1.1 proxy";
    const end = seen.indexOf(HEAD_END, at, "latin1");
    const rest = end + HEAD_END.length;
    if (end < 0 || rest > TUNNEL_HEAD_BYTES_MAX) {
      if (seen.length <= TUNNEL_HEAD_BYTES_MAX) return null;
      return `answers with a head of more than ${TUNNEL_HEAD_BYTES_MAX} bytes`;
    }
    const line = STATUS_LINE.exec(seen.toString("latin1", at, end));
    if (line === null) return "does not answer as an HTTP/1.1 proxy";
    const status = Number(line[1]);
    // "Any 2xx response indicates that the sender will switch to tunnel mode" (§9.3.6), whatever
    // its fields say of a body.
    if (status >= 200 && status < 300) return seen.subarray(rest);
    if (status >= 300) {
      const reason = printable(withoutSecrets(line[2] ?? "", authorization));
      return `answers ${status} ${reason}`.trimEnd();
    }
    // "A client MUST be able to parse one or more 1xx responses" (RFC 9110 §15.2).
    at = rest;
  }
}

/**
 * A proxy's words without our credential, which some echo with the request: as it was sent
 * (RFC 7617 §2), decoded, and the password alone.
 */
function withoutSecrets(text: string, authorization: string | null): string {
  if (authorization === null) return text;
  const [, token = ""] = authorization.split(" ");
  const plain = Buffer.from(token, "base64").toString("latin1");
  const password = plain.slice(plain.indexOf(":") + 1);
  let rest = text.replace(/\bbasic +\S+/gi, `Basic ${REDACTED}`);
  for (const secret of [token, token.replace(/=+$/, ""), plain, password]) {
    if (secret !== "") rest = rest.replaceAll(secret, REDACTED);
  }
  return rest;
}
