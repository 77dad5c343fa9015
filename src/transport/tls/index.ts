/**
 * TLS for both roles of `transport`: certificates from files that renew themselves, ALPN, and
 * failures in words.
 *
 * Promises: a bad file at start is one clear sentence; a bad file later changes nothing but a log
 * line and a counter; no reload drops a connection. Must never open a socket.
 */
export { ClientTls, type ClientTlsFiles, PemTls } from "./client-tls.ts";
export { TlsFileError, type TlsFileKind, type TlsSide } from "./error.ts";
export { alpnFailureReason, tlsFailureReason } from "./failure.ts";
export { handshakeFailureReason } from "./handshake-failure.ts";
export { readPemCa, readPemPair } from "./pem-files.ts";
export { TLS_POLL_MS, type TlsDeps } from "./reload.ts";
export { ServerNames } from "./server-names.ts";
export { type ListenerSecurity, ServerTls, type ServerTlsFiles } from "./server-tls.ts";
export { type SniCertificate, SniTls } from "./sni-tls.ts";
