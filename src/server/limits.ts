/**
 * Every limit of the gRPC server on what a client controls, as a named value with its reason.
 *
 * Those of HTTP/2 itself stand in the room `http2`; that of a method's messages is the method's.
 */

/** Connections at a time: 10,000 nodes of a cluster, with room for those that reconnect. */
export const SERVER_CONNECTIONS_MAX = 20_000;
/** MAX_CONCURRENT_STREAMS: a node has one stream of discovery, and seldom asks anything else. */
export const SERVER_CALLS_PER_CONNECTION_MAX = 100;
/**
 * A client that is silent for this long while calls are open is asked whether it is there, and has
 * SERVER_KEEPALIVE_TIMEOUT_MS to answer: one whose machine died sends no FIN. gRPC servers ask
 * after two hours unless they are told otherwise; a node that is gone would be shown all that time.
 */
export const SERVER_KEEPALIVE_TIME_MS = 60_000;
/** As in gRPC servers by default. */
export const SERVER_KEEPALIVE_TIMEOUT_MS = 20_000;
/**
 * Bytes of answers that a connection may leave unread and still be answered by methods that make
 * answers on demand: of a client that opens calls and no window, each would be kept.
 */
export const UNREAD_ANSWERS_BYTES_MAX = 1_048_576;
/** A connection without a call for this long is closed in order: a node always has one. */
export const SERVER_IDLE_TIMEOUT_MS = 300_000;
