/**
 * Waits for the first bytes of a client and says what they are; for a short time only, because in
 * some protocols the server speaks first.
 */
import type { Socket } from "node:net";
import type { Clock, Timer } from "../../base/index.ts";
import { judgeFirstBytes } from "./first-bytes.ts";

/**
 * How long a client of a gRPC port may be silent before its connection passes through. Clients of
 * gRPC speak at once; only their own standstill (a collection of garbage) holds them back.
 */
export const FIRST_BYTES_TIMEOUT_MS = 1_000;

/** Why waiting ended: the preface came, something else, nothing in time, or the client's end. */
export type Sniffed = "http2" | "other" | "silent" | "ended";

/**
 * Calls `onDone` once, on the turn that brought the last of `first`; the socket is then as if
 * nobody had ever read it, but for these bytes. Never when the socket closes before.
 */
export function sniff(
  socket: Socket,
  clock: Clock,
  onDone: (sniffed: Sniffed, first: Buffer) => void,
): void {
  let first: Buffer = Buffer.alloc(0);
  let timer: Timer | null = null;
  const stop = (): void => {
    timer?.cancel();
    socket.off("data", onData).off("end", onEnd).off("close", stop);
  };
  const done = (sniffed: Sniffed): void => {
    stop();
    // What comes until somebody reads waits in the socket.
    socket.pause();
    onDone(sniffed, first);
  };
  const onData = (bytes: Buffer): void => {
    first = first.length === 0 ? bytes : Buffer.concat([first, bytes]);
    const judged = judgeFirstBytes(first);
    if (judged !== "more") done(judged);
  };
  const onEnd = (): void => done("ended");
  socket.on("data", onData).once("end", onEnd).once("close", stop);
  timer = clock.setTimer(FIRST_BYTES_TIMEOUT_MS, () => done("silent"));
}
