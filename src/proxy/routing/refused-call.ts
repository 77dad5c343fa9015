/** The events of a stream whose call was refused: what still comes of its request is let go. */
import type { StreamEvents } from "../../http2/index.ts";

/** One for all: it keeps nothing. */
export const REFUSED_CALL: StreamEvents = {
  onHeaders() {},
  onInformational() {},
  onData: (_bytes, start, end) => end - start,
  onTrailers() {},
  onReset() {},
  onWritable() {},
};
