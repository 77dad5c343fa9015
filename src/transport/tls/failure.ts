/**
 * Why a TLS connection did not come about, in words that a person can act on.
 *
 * The words end up in `grpc-message`, logs and `fairlead why`. Unknown errors keep their own text.
 */
import type { TLSSocket } from "node:tls";
import { ALPN_H2 } from "./rules.ts";

const NO_H2 = "the server does not offer HTTP/2 (ALPN h2) over TLS";
const UNTRUSTED = "the server's certificate is not signed by a trusted CA";

const REASONS: Record<string, string> = {
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: NO_H2,
  ERR_SSL_NO_APPLICATION_PROTOCOL: NO_H2,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_HAS_EXPIRED: "the server's certificate has expired",
  CERT_NOT_YET_VALID: "the server's certificate is not valid yet",
  ERR_SSL_WRONG_VERSION_NUMBER: "the server does not speak TLS on this port",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the server does not speak TLS on this port",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "the server asks for a client certificate",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "the server does not trust the CA of our client certificate",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "the server refuses our client certificate",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: "the server refuses our client certificate",
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: "the server refused the handshake",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: "the server speaks no TLS version that HTTP/2 allows",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "the server speaks no TLS version that HTTP/2 allows",
};

/** The reason of an error of `tls.connect` or of its socket, as part of a sentence. */
export function tlsFailureReason(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    // Node's text lists the certificate's names behind "is not in the cert's altnames".
    const names = (error as { reason?: string }).reason ?? error.message;
    return `the server's certificate is for another name: ${names}`;
  }
  return REASONS[code] ?? error.message;
}

/**
 * To be asked on `secureConnect`: null when the server chose `h2`, otherwise why it cannot be used.
 * A server without ALPN at all completes the handshake, so that the error comes only here.
 */
export function alpnFailureReason(socket: TLSSocket): string | null {
  return socket.alpnProtocol === ALPN_H2 ? null : NO_H2;
}
