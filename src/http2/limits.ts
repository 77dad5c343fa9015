/**
 * Every limit of the engine on what a peer controls, as a named value with its reason.
 *
 * Not settings of a user: those arrive in `ConnectionConfig` and start from these values.
 */

/** Our SETTINGS_MAX_FRAME_SIZE: the RFC's default, which every sender keeps to (RFC 9113 §4.2). */
export const FRAME_BYTES_MAX = 16_384;

/** Decoded header list, name + value + 32 each (RFC 9113 §6.5.2); Envoy allows 60 KiB. */
export const HEADER_LIST_BYTES_MAX = 65_536;

/** Fields of one header list; real calls have 8-40. Guards against 100,000 tiny fields. */
export const HEADER_FIELDS_MAX = 512;

/** Encoded bytes of one header block over HEADERS and its CONTINUATIONs (CVE-2024-27316). */
export const HEADER_BLOCK_BYTES_MAX = 131_072;

/** CONTINUATION frames of one block; a full block of 128 KiB needs 8 (CVE-2024-27316). */
export const CONTINUATIONS_MAX = 32;

/** Our decoder's dynamic table: the RFC's default (RFC 7541 §4.2). */
export const DECODER_TABLE_BYTES_MAX = 4_096;

/** Our encoder's dynamic table, however much the peer offers. */
export const ENCODER_TABLE_BYTES_MAX = 4_096;

/** Distinct settings in one SETTINGS frame; the RFC knows seven. */
export const SETTINGS_ENTRIES_MAX = 32;

/** Control frames that wait while the peer does not read (CVE-2019-9512, 9514, 9515). */
export const CONTROL_FRAMES_QUEUED_MAX = 1_000;

/** Glitch budget of a connection: nghttp2's bucket of 1,000, refilled at 33 a second. */
export const GLITCHES_MAX = 1_000;
/** Glitches that a connection earns back per second. */
export const GLITCHES_PER_SECOND = 33;
/**
 * Glitches that one served call earns back, so that a busy peer that cancels a lot is never cut.
 */
export const GLITCHES_PER_SERVED_CALL = 4;
/**
 * A stream that lived this long held its slot: MAX_CONCURRENT_STREAMS bounds its resets, not
 * glitches.
 */
export const PREMATURE_RESET_MS = 100;
/**
 * PINGs: bucket and refill; each DATA frame that we send earns one (grpc-go's BDP probes answer
 * data).
 */
export const PINGS_MAX = 1_000;
/** PINGs that a connection earns back per second. */
export const PINGS_PER_SECOND = 100;
/** A WINDOW_UPDATE below this is a glitch: it makes us send crumbs. */
export const WINDOW_UPDATE_BYTES_SMALL = 32;

/** Window of a new stream (SETTINGS_INITIAL_WINDOW_SIZE): what a stalled one can make us hold. */
export const STREAM_WINDOW_BYTES = 65_536;
/** Window of a stream whose data flows: it grows to this with the first credit. */
export const STREAM_WINDOW_BYTES_MAX = 262_144;
/** Window of the connection that we grant; credit returns on receipt (see HELD_BYTES_MAX). */
export const CONNECTION_WINDOW_BYTES = 8_388_608;
/**
 * Received and not yet passed on, per connection. Above it the connection's credit waits, and
 * within a second the streams that hold most are reset, so that stalled readers cannot stop the
 * others.
 */
export const HELD_BYTES_MAX = 67_108_864;
/** The same while the whole process holds twice BUFFERED_BYTES_MAX. */
export const HELD_BYTES_OVERFLOW_MAX = 1_048_576;
/** Buffered by all connections of the process; above it new streams are refused. */
export const BUFFERED_BYTES_MAX = 268_435_456;
/** Output that may wait for the socket before streams queue their DATA and withhold credit. */
export const OUTPUT_BYTES_HIGH = 262_144;
/** Every window before anything is said about it. RFC 9113 §6.9.2. */
export const WINDOW_BYTES_INITIAL = 65_535;
/** Largest flow-control window. RFC 9113 §6.9.1. */
export const WINDOW_BYTES_MAX = 0x7fffffff;

/**
 * Streams that we reset and whose late frames are ignored rather than answered (RFC 9113 §5.4.2).
 */
export const RECENT_RESETS_MAX = 256;
/** The last id that a client may give a stream. RFC 9113 §5.1.1. */
export const STREAM_ID_LAST = 0x7fffffff;
/**
 * MAX_CONCURRENT_STREAMS assumed of a server until its SETTINGS arrive. RFC 9113 §6.5.2 advises
 * 100.
 */
export const STREAMS_BEFORE_SETTINGS = 100;
/** Informational (1xx) answers of one call; a real server sends one or two. */
export const INFORMATIONAL_MAX = 16;

/** The client preface, from accept on. */
export const PREFACE_TIMEOUT_MS = 10_000;
/** A header block, from its HEADERS to END_HEADERS. */
export const HEADER_BLOCK_TIMEOUT_MS = 10_000;
/** The peer's ACK of our SETTINGS. RFC 9113 §6.5.3. */
export const SETTINGS_ACK_TIMEOUT_MS = 30_000;
/** A stream with DATA to send must move STALL_PROGRESS_BYTES in this time, or it is reset. */
export const STALL_TIMEOUT_MS = 300_000;
/** What counts as progress for STALL_TIMEOUT_MS; a trickle of WINDOW_UPDATEs does not. */
export const STALL_PROGRESS_BYTES = 1_024;
