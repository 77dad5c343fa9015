/**
 * What all connections of the process hold in buffers, and when that is too much.
 *
 * Each connection is bounded by its windows; thousands together are not. Above the limit new
 * streams are refused (REFUSED_STREAM: the caller may try elsewhere), windows do not grow, and
 * above twice the limit the streams that hold most are given up. What was accepted goes on as long
 * as it can.
 */

import { BUFFERED_BYTES_MAX } from "./limits.ts";

let bufferedBytes = 0;
let refusedStreams = 0;

/** Notes bytes that are buffered (or, negative, are free again). */
export function noteBuffered(bytes: number): void {
  bufferedBytes += bytes;
}

/** Notes a stream that was refused because of the limit. */
export function noteOverloadRefusal(): void {
  refusedStreams += 1;
}

/** Whether new work must be refused. */
export function isOverloaded(): boolean {
  return bufferedBytes > BUFFERED_BYTES_MAX;
}

/** Whether even accepted work must be given up. */
export function isOverflowing(): boolean {
  return bufferedBytes > 2 * BUFFERED_BYTES_MAX;
}

/** For gauges and counters: bytes buffered now, and streams refused so far. */
export function overloadFigures(): { readonly bufferedBytes: number; readonly refused: number } {
  return { bufferedBytes, refused: refusedStreams };
}
