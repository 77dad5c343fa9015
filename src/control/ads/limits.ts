/**
 * Every limit of the discovery service on what a node controls, and its times, as named values.
 */

/** A request: the names of 10,000 resources with their versions fit well. */
export const ADS_REQUEST_BYTES_MAX = 4 * 1024 * 1024;
/** Names that one stream may subscribe to of one type. */
export const SUBSCRIBED_NAMES_MAX = 20_000;
/** Characters of one name: host names and paths of routes are shorter. */
export const NAME_CHARS_MAX = 1_024;
/** Bytes of the names that the streams of one connection ask for; 20,000 of 60 have 2.5 MB. */
export const NAMES_BYTES_PER_CONNECTION_MAX = 32 * 1024 * 1024;
/** Those of all connections, in percent of what the heap of the process may have. */
export const NAMES_HEAP_PERCENT_MAX = 25;
/** Streams of discovery on one connection: C-core and grpc-go use one for each target at most. */
export const STREAMS_PER_CONNECTION_MAX = 32;
/** Streams of discovery of the whole process. */
export const NODES_MAX = 20_000;
/** Characters of what a node says of itself or of an error that are kept. */
export const SHOWN_CHARS_MAX = 512;
/** Resources of one CSDS answer; a request for more must name its nodes. */
export const CSDS_ENTRIES_MAX = 100_000;
/** Contents of resources in one CSDS answer, and nodes' words of errors; others are left out. */
export const CSDS_CONTENT_BYTES_MAX = 16 * 1024 * 1024;
/** CSDS answers that all callers together leave unread before further ones are refused. */
export const CSDS_UNREAD_BYTES_MAX = 64 * 1024 * 1024;
/** Names that lead nowhere that are logged of one stream; its status shows those of now. */
export const ABSENT_TOLD_MAX = 20;
/** Names that a stream may not have that are logged of it; its status shows those of now. */
export const REFUSED_TOLD_MAX = 20;
/** Lines a minute, of all nodes, that say what nodes reject or ask for in vain; others count. */
export const NODE_LINES_PER_MINUTE_MAX = 300;

/** The first change after a silence is pushed after this: what follows at once goes with it. */
export const FIRST_PUSH_MS = 5;
/** Pushes of a burst are this far apart. */
export const BURST_PUSH_MS = 100;
/** How long a type waits for the ACKs of those before it; then it is sent whatever they say. */
export const ORDER_WAIT_MS = 5_000;
/** A push that is not answered for this long no longer holds back newer state of its type. */
export const ACK_WAIT_MS = 15_000;
/** Bytes of all streams that connections have not taken yet; more pushes wait for their turn. */
export const BYTES_IN_FLIGHT_MAX = 8 * 1024 * 1024;
/** A reader that takes nothing for this long holds back nobody else any more. */
export const PACE_HOLD_MS = 1_000;
