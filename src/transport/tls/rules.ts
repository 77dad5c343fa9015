/**
 * What TLS must be under HTTP/2, for both roles. RFC 9113 §9.2.
 *
 * "Implementations of HTTP/2 MUST use TLS version 1.2 or higher" (§9.2); compression and
 * renegotiation are off, and of TLS 1.2's cipher suites only those that Appendix A does not
 * prohibit are offered: ephemeral keys and AEAD.
 */
import { constants } from "node:crypto";
import type { SecureContextOptions } from "node:tls";

/** The ALPN name of HTTP/2 over TLS (RFC 9113 §3.2). */
export const ALPN_H2 = "h2";

/** Accepted so that a client of HTTP/1.1 gets an answer in words instead of a TLS alert. */
export const ALPN_HTTP1 = "http/1.1";

/** A peer that has not finished its handshake by then is cut. */
export const TLS_HANDSHAKE_TIMEOUT_MS = 10_000;

/** Part of the options of every secure context that we make. */
export const TLS_RULES: SecureContextOptions = {
  minVersion: "TLSv1.2",
  ciphers: [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
  ].join(":"),
  /** Read with each context: node:crypto takes long to load, and many need no TLS. */
  get secureOptions() {
    return constants.SSL_OP_NO_COMPRESSION | constants.SSL_OP_NO_RENEGOTIATION;
  },
};
