/**
 * The states of a stream: a list of rows and one function. RFC 9113 §5.1.
 *
 *                       +--------+
 *      SEND/RECV_HEADERS|  IDLE  |
 *                       +---+----+
 *                           v
 *            SEND_END  +--------+  RECV_END
 *            +---------|  OPEN  |---------+
 *            v         +---+----+         v
 *   HALF_CLOSED_LOCAL      |RST   HALF_CLOSED_REMOTE
 *            |  RECV_END   v    SEND_END  |
 *            +------->  CLOSED  <---------+
 *
 * There are no reserved states: we never push, and we forbid it to servers (SETTINGS_ENABLE_PUSH
 * 0).
 */

/** A stream's state, as a small integer. */
export const State = {
  IDLE: 0,
  OPEN: 1,
  HALF_CLOSED_LOCAL: 2,
  HALF_CLOSED_REMOTE: 3,
  CLOSED: 4,
} as const;

/** What moves a stream. END_STREAM is an event of its own, after that of its frame. */
export const StreamEvent = {
  HEADERS: 0,
  SEND_END: 1,
  RECV_END: 2,
  RESET: 3,
} as const;

/** The legal moves as [from, event, to]; a pair that is absent is illegal. */
const TRANSITIONS: readonly (readonly [number, number, number])[] = [
  [State.IDLE, StreamEvent.HEADERS, State.OPEN],
  [State.OPEN, StreamEvent.SEND_END, State.HALF_CLOSED_LOCAL],
  [State.OPEN, StreamEvent.RECV_END, State.HALF_CLOSED_REMOTE],
  [State.OPEN, StreamEvent.RESET, State.CLOSED],
  [State.HALF_CLOSED_LOCAL, StreamEvent.RECV_END, State.CLOSED],
  [State.HALF_CLOSED_LOCAL, StreamEvent.RESET, State.CLOSED],
  [State.HALF_CLOSED_REMOTE, StreamEvent.SEND_END, State.CLOSED],
  [State.HALF_CLOSED_REMOTE, StreamEvent.RESET, State.CLOSED],
];

/** What `nextState` answers for a pair that is not in the list. */
export const ILLEGAL = 255;

const EVENTS = 4;
const NEXT = new Uint8Array(5 * EVENTS).fill(ILLEGAL);
for (const [from, event, to] of TRANSITIONS) NEXT[from * EVENTS + event] = to;

/** The state after `event`, or ILLEGAL. */
export function nextState(state: number, event: number): number {
  return NEXT[state * EVENTS + event]!;
}
