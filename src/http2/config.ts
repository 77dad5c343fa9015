/**
 * What a connection is told at birth. Limits that no user ever sets stand in `limits.ts`.
 */

import {
  CONNECTION_WINDOW_BYTES,
  HEADER_FIELDS_MAX,
  HEADER_LIST_BYTES_MAX,
  STREAM_WINDOW_BYTES,
  STREAM_WINDOW_BYTES_MAX,
} from "./limits.ts";

/** Which end of the connection we are. */
export type Role = "client" | "server";

/** Settings of our side; all are announced to the peer where the RFC has a setting for them. */
export interface ConnectionConfig {
  /** SETTINGS_MAX_CONCURRENT_STREAMS that we announce as a server. */
  readonly maxStreams: number;
  /** SETTINGS_INITIAL_WINDOW_SIZE. */
  readonly streamWindowBytes: number;
  /** What a stream's window grows to once its data flows. */
  readonly streamWindowBytesMax: number;
  /** The connection's window, granted by WINDOW_UPDATE. */
  readonly connectionWindowBytes: number;
  /** SETTINGS_MAX_HEADER_LIST_SIZE. */
  readonly headerListBytesMax: number;
  /** Fields of one list. */
  readonly headerFieldsMax: number;
}

/** Defaults, with the reasons in `limits.ts`. */
export const DEFAULT_CONNECTION_CONFIG: ConnectionConfig = {
  maxStreams: 1_000,
  streamWindowBytes: STREAM_WINDOW_BYTES,
  streamWindowBytesMax: STREAM_WINDOW_BYTES_MAX,
  connectionWindowBytes: CONNECTION_WINDOW_BYTES,
  headerListBytesMax: HEADER_LIST_BYTES_MAX,
  headerFieldsMax: HEADER_FIELDS_MAX,
};
