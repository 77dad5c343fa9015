/**
 * Why a TLS connection to an endpoint did not come about, in words that a person can act on.
 *
 * The words end up in `grpc-message`, logs and `fairlead why`. Unknown errors keep their own text.
 * Handshakes of our clients are told about by `handshake-failure.ts`.
 */
import type { PeerCertificate, TLSSocket } from "node:tls";
import { printable } from "../../base/index.ts";
import { ALPN_H2 } from "./rules.ts";

const NO_H2 = "the server does not offer HTTP/2 (ALPN h2) over TLS";
const UNTRUSTED = "the server's certificate is not signed by a trusted CA";

const REASONS: Record<string, string> = {
  ALERT_NO_APPLICATION_PROTOCOL: NO_H2,
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
  ALERT_CERTIFICATE_REQUIRED: "the server asks for a client certificate",
  ALERT_UNKNOWN_CA: "the server does not trust the CA of our client certificate",
  ALERT_BAD_CERTIFICATE: "the server refuses our client certificate",
  ALERT_CERTIFICATE_UNKNOWN: "the server refuses our client certificate",
  ALERT_CERTIFICATE_EXPIRED: "the server says that our client certificate has expired",
  ALERT_HANDSHAKE_FAILURE: "the server refused the handshake",
  ALERT_PROTOCOL_VERSION: "the server speaks no TLS version that HTTP/2 allows",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "the server speaks no TLS version that HTTP/2 allows",
};

/** Characters of the names in a server's certificate that are passed on. */
const CERTIFICATE_NAMES_CHARS_MAX = 200;

/**
 * The code of an OpenSSL error; of an alert that the peer sent "ALERT_" and its name in RFC 8446
 * §6, which OpenSSL's versions put behind SSLV3_, SSL/TLS_, TLSV1_ or TLSV13_.
 */
export function tlsErrorCode(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  return code.replace(/^ERR_SSL_(?:SSLV3|SSL\/TLS|TLSV1|TLSV13)_ALERT_/, "ALERT_");
}

/** OpenSSL's own words for an error without its addresses and file names, on one line. */
export function tlsErrorText(error: Error): string {
  const { reason } = error as { reason?: unknown };
  const text = typeof reason === "string" && reason !== "" ? reason : error.message;
  return text.replace(/\s+/g, " ").trim();
}

/**
 * The reason of an error of `tls.connect` or of its socket, as part of a sentence.
 *
 * @param naming what names the server that is expected, as the reader knows it.
 */
export function tlsFailureReason(error: Error, naming: string): string {
  const code = tlsErrorCode(error);
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return wrongNameReason(error, naming);
  return REASONS[code] ?? tlsErrorText(error);
}

/** Node lists only the names of the kind that was looked for: none where an IP address was. */
function wrongNameReason(error: Error, naming: string): string {
  const { host = "the address", cert } = error as { host?: string; cert?: PeerCertificate };
  const names = cert?.subjectaltname ?? `the common name ${cert?.subject?.CN ?? "(none)"} alone`;
  const shown = printable(names, CERTIFICATE_NAMES_CHARS_MAX);
  return (
    `the server's certificate is for another name: it is not for ${host} but for ${shown}; ` +
    `${naming} says which name is expected`
  );
}

/**
 * To be asked on `secureConnect`: null when the server chose `h2`, otherwise why it cannot be used.
 * A server without ALPN at all completes the handshake, so that the error comes only here.
 */
export function alpnFailureReason(socket: TLSSocket): string | null {
  return socket.alpnProtocol === ALPN_H2 ? null : NO_H2;
}
