/**
 * Errors of sockets, names and TLS in words: why an API server cannot be reached.
 *
 * Without what changes from try to try (ports of ours, times), so that one cause has one text.
 */

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was reset",
  EPIPE: "the connection was reset",
  ETIMEDOUT: "the connection timed out",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ENOTFOUND: "no such host name",
  EAI_AGAIN: "DNS gives no answer at the moment",
  HPE_HEADER_OVERFLOW: "the header of the answer is too large",
  EPROTO: "the server does not speak TLS on this port",
  ERR_SSL_WRONG_VERSION_NUMBER: "the server does not speak TLS on this port",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the server does not speak TLS on this port",
  CERT_HAS_EXPIRED: "the server's certificate has expired",
  CERT_NOT_YET_VALID: "the server's certificate is not valid yet",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "the server asks for a client certificate",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "the server does not trust the CA of our client certificate",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "the server refuses our client certificate",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: "the server refuses our client certificate",
};

/** Codes of OpenSSL's verification that all mean: not signed by a CA that we were told to trust. */
const UNTRUSTED = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_SIGNATURE_FAILURE",
]);

/** "10.0.0.1:6443: connection refused". @param isProxied it may be the proxy that is meant. */
export function errorReason(url: URL, error: Error, isProxied: boolean): string {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  return `${url.host}${isProxied ? " through its proxy-url" : ""}: ${wordsOf(code, error)}`;
}

function wordsOf(code: string, error: Error): string {
  if (UNTRUSTED.has(code)) {
    return "the server's certificate is not signed by a trusted CA (certificate-authority)";
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const names = (error as { reason?: string }).reason ?? "";
    return `the server's certificate is for another name (tls-server-name): ${names}`.trim();
  }
  if (code.startsWith("HPE_")) return REASONS[code] ?? "the server does not speak HTTP/1.1";
  return REASONS[code] ?? (code === "" ? error.message : code);
}
