/**
 * Room `transport`: an `http2` connection on a real socket.
 *
 * What it is: listeners and connectors for TCP, TLS (ALPN, client certificates, files that renew
 * themselves) and Unix sockets; `SocketConnection` joins a socket and the engine; `TransportLoop`
 * is the turn's end at which everything produced leaves with one write per socket.
 * Promises: bounded waiting in both directions; an idle connection holds no buffers; a closing one
 * sends what is written before it goes.
 * Must never: know gRPC, balancing or Kubernetes.
 */
export {
  Acceptor,
  type AcceptorOptions,
  ConnectionCount,
  type ConnectionUser,
  type ListenerEvents,
  type RefusedWhy,
  remoteOf,
} from "./acceptor.ts";
export type { ByteSocket } from "./byte-socket.ts";
export {
  CONNECT_TIMEOUT_MS,
  type ConnectAttempt,
  type ConnectionSource,
  Connector,
  type ConnectUser,
} from "./connector.ts";
export { KEEPALIVE_TIME_MS_MIN } from "./keepalive-pace.ts";
export {
  type ListenAddress,
  ListenError,
  Listener,
  type ListenerOptions,
  listenAddressText,
  removeStaleSocket,
} from "./listener.ts";
export { type Flushable, type Ticking, TransportLoop, type TurnEnd } from "./loop.ts";
export {
  type ConnectHints,
  type ConnectorOptions,
  DEFAULT_CONNECTOR_OPTIONS,
  type KeepaliveConfig,
  type SocketSecurity,
  type Tunnel,
} from "./options.ts";
export { ANY_IPV4, ANY_IPV6, formatAddress, placeOf } from "./place.ts";
export {
  type ClientConnection,
  SocketConnection,
  type SocketConnectionEvents,
  socketReason,
} from "./socket-connection.ts";
export {
  ClientTls,
  type ClientTlsFiles,
  type ListenerSecurity,
  PemTls,
  readPemCa,
  readPemPair,
  ServerNames,
  ServerTls,
  type ServerTlsFiles,
  type SniCertificate,
  SniTls,
  TlsFileError,
  tlsFailureReason,
} from "./tls/index.ts";
