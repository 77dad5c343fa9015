/** The user of a stream that nobody listens to: what comes of it is let go. */
import type { StreamEvents } from "./events.ts";

/** One for all: it keeps nothing, and gives credit for every byte at once. */
export const NO_EVENTS: StreamEvents = {
  onHeaders() {},
  onInformational() {},
  onData: (_bytes, start, end) => end - start,
  onTrailers() {},
  onReset() {},
  onWritable() {},
};
