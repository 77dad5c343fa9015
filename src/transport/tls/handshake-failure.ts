/**
 * Why a client's TLS handshake with a listener failed, in words that an operator can act on.
 *
 * The words end up in the log. The other direction, an endpoint that we connect to, is told about
 * by `failure.ts`.
 */
import type { TLSSocket } from "node:tls";
import { tlsErrorCode, tlsErrorText } from "./failure.ts";

const NOT_TLS = "the client does not speak TLS on this TLS port";
const REJECTED = "the client rejected our certificate";

const REASONS: Record<string, string> = {
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_HTTP_REQUEST: `${NOT_TLS}: it sent a plain HTTP/1 request`,
  ERR_SSL_HTTPS_PROXY_REQUEST: `${NOT_TLS}: it sent a plain HTTP/1 CONNECT`,
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    "the client showed no certificate, and one is asked for",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "the client speaks no TLS version that HTTP/2 allows (1.2 or 1.3)",
  ERR_SSL_NO_SHARED_CIPHER: "the client offers no cipher suite that HTTP/2 allows",
  ERR_SSL_NO_APPLICATION_PROTOCOL: "the client offers other protocols than HTTP/2 (ALPN h2)",
  ERR_TLS_HANDSHAKE_TIMEOUT: "the client did not finish the TLS handshake in time",
  ALERT_UNKNOWN_CA: `${REJECTED}: it does not trust the CA`,
  ALERT_BAD_CERTIFICATE: REJECTED,
  ALERT_CERTIFICATE_UNKNOWN: REJECTED,
  ALERT_UNSUPPORTED_CERTIFICATE: `${REJECTED}: it does not support its kind`,
  ALERT_CERTIFICATE_REVOKED: `${REJECTED}: it has been revoked`,
  ALERT_CERTIFICATE_EXPIRED: `${REJECTED}: it has expired`,
};

/** Of `TLSSocket.authorizationError`: what OpenSSL found when it verified the client. */
const CERTIFICATE_REASONS: Record<string, string> = {
  CERT_HAS_EXPIRED: "has expired",
  CERT_NOT_YET_VALID: "is not valid yet",
  INVALID_PURPOSE: "is not for clients (extended key usage)",
};

const OTHER_CA = "is not signed by the CA for clients";

/**
 * The reason of a `tlsClientError` of a listener's server, as part of a sentence.
 * @param hasSpoken whether the client sent anything.
 */
export function handshakeFailureReason(
  error: Error,
  socket: TLSSocket,
  hasSpoken: boolean,
): string {
  // A code, whatever its type says. Node ends such a connection itself, and reports its end alone.
  const verdict = socket.authorizationError as unknown as string | null;
  if (verdict) return `the client's certificate ${CERTIFICATE_REASONS[verdict] ?? OTHER_CA}`;
  const code = tlsErrorCode(error);
  if (code === "ECONNRESET") {
    return hasSpoken
      ? "the client closed during the TLS handshake: it may not trust our certificate"
      : "the client closed before its TLS handshake";
  }
  return REASONS[code] ?? `the TLS handshake failed: ${tlsErrorText(error)}`;
}
