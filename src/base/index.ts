/**
 * Room `base`: the few things that every other room needs.
 *
 * What it is: time and chance as arguments (`Clock`, `Rng`; real, virtual, seeded, scripted), one
 * timer wheel for all deadlines, the `Logger` interface, assertions, readers of JSON and text that
 * may be anything, and the known word that was meant by an unknown one.
 * Promises: a timer never fires early; the wheel allocates nothing per entry; two runs with the
 * same virtual clock and the same seed do the same.
 * Must never: import another room, open a socket or a file, or know what gRPC is. Real time and
 * real chance are read in `real.ts` and nowhere else in the house.
 */
export { assert, unreachable } from "./assert.ts";
export type { Clock, Timer } from "./clock.ts";
export { asJson, asText, isDeeperThan, isJsonObject, type Json } from "./json.ts";
export type { LogEntry, Logger, LogLevel } from "./logger.ts";
export { RecordingLogger, silentLogger } from "./logger.ts";
export { didYouMean, nearestWord } from "./nearest-word.ts";
export { realClock, realRng } from "./real.ts";
export type { Rng } from "./rng.ts";
export { jittered, scriptedRng, seededRng, shuffled } from "./rng.ts";
export { runSlice, SLICE_MS } from "./slices.ts";
export { cut, printable, visible, visibleLines } from "./text.ts";
export { unrefClock } from "./unref-clock.ts";
export { VirtualClock } from "./virtual.ts";
export { TimerWheel, WheelEntry } from "./wheel.ts";
