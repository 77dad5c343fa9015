/**
 * Settings of both sides: reading the peer's payload into values, or an error code, and what ours
 * says. RFC 9113 §6.5.
 */

import type { ConnectionConfig, Role } from "../config.ts";
import { ErrorCode } from "../error-code.ts";
import { readUint16, readUint32, Setting } from "../frame/types.ts";
import { SETTINGS_ENTRIES_MAX, STREAMS_BEFORE_SETTINGS, WINDOW_BYTES_MAX } from "../limits.ts";

/** Settings of the peer as they stand; before its first SETTINGS, the RFC's initial values. */
export class RemoteSettings {
  headerTableBytes = 4_096;
  /** The smallest `headerTableBytes` that the last SETTINGS named on the way. */
  headerTableBytesMin = 4_096;
  /** Infinity when the peer sets no limit. */
  maxStreams = STREAMS_BEFORE_SETTINGS;
  initialWindowBytes = 65_535;
  maxFrameBytes = 16_384;
  maxHeaderListBytes = Number.POSITIVE_INFINITY;

  /**
   * Applies one SETTINGS payload bytes[start, end), whose length is a multiple of six. Anything but
   * NO_ERROR is a connection error; unknown settings are ignored. RFC 9113 §6.5.2.
   */
  apply(bytes: Uint8Array, start: number, end: number, isFromServer: boolean): ErrorCode {
    if ((end - start) / 6 > SETTINGS_ENTRIES_MAX) return ErrorCode.ENHANCE_YOUR_CALM;
    this.headerTableBytesMin = this.headerTableBytes;
    for (let pos = start; pos < end; pos += 6) {
      const code = this.#applyOne(readUint16(bytes, pos), readUint32(bytes, pos + 2), isFromServer);
      if (code !== ErrorCode.NO_ERROR) return code;
    }
    return ErrorCode.NO_ERROR;
  }

  #applyOne(id: number, value: number, isFromServer: boolean): ErrorCode {
    switch (id) {
      case Setting.HEADER_TABLE_SIZE:
        this.headerTableBytes = value;
        this.headerTableBytesMin = Math.min(this.headerTableBytesMin, value);
        break;
      case Setting.ENABLE_PUSH:
        // A server must not set it to anything but 0; a client may say 0 or 1.
        if (value > (isFromServer ? 0 : 1)) return ErrorCode.PROTOCOL_ERROR;
        break;
      case Setting.MAX_CONCURRENT_STREAMS:
        this.maxStreams = value;
        break;
      case Setting.INITIAL_WINDOW_SIZE:
        if (value > WINDOW_BYTES_MAX) return ErrorCode.FLOW_CONTROL_ERROR;
        this.initialWindowBytes = value;
        break;
      case Setting.MAX_FRAME_SIZE:
        if (value < 16_384 || value > 16_777_215) return ErrorCode.PROTOCOL_ERROR;
        this.maxFrameBytes = value;
        break;
      case Setting.MAX_HEADER_LIST_SIZE:
        this.maxHeaderListBytes = value;
        break;
    }
    return ErrorCode.NO_ERROR;
  }
}

/** What our first SETTINGS says, as `writeSettings` takes it. */
export function ownSettings(role: Role, config: ConnectionConfig): number[] {
  const { maxStreams, streamWindowBytes, headerListBytesMax } = config;
  const [first, value] =
    role === "client" ? [Setting.ENABLE_PUSH, 0] : [Setting.MAX_CONCURRENT_STREAMS, maxStreams];
  return [
    ...[first, value],
    ...[Setting.INITIAL_WINDOW_SIZE, streamWindowBytes],
    ...[Setting.MAX_HEADER_LIST_SIZE, headerListBytesMax],
  ];
}
