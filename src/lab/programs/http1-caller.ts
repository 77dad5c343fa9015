/**
 * The client of the lane `http1`: callers over HTTP/1.1, as many as there may be open calls, each
 * with a kept connection of its own; the load and the messages are those of `caller.ts`.
 */
import "./leash.ts";
import { realClock } from "../../base/index.ts";
import { Http1Callers } from "../load/http1-callers.ts";
import { Load } from "../load/load.ts";
import { OpenSockets } from "../load/sockets.ts";
import { Tally } from "../load/tally.ts";
import type { CallerMessage, ChildMessage, DialMessage } from "../messages.ts";
import { CallerWhy } from "./caller-why.ts";

const READY_TIMEOUT_MS = 15_000;
const READY_POLL_MS = 20;

const clock = realClock();
const sockets = new OpenSockets(clock);
const why = new CallerWhy(clock, sockets);
let callers: Http1Callers | null = null;
let load: Load | null = null;

const tell = (message: ChildMessage): void => {
  // The lab may be gone already; the leash ends this process then.
  if (process.connected) process.send?.(message);
};

function dial(message: DialMessage): void {
  process.title = `fairlead-lab http1-caller ${message.target.slice(0, 40)}`;
  const own = new Http1Callers(message.target, message.inFlightMax);
  callers = own;
  load = new Load(message, {
    ...{ clock, tell, tally: new Tally(clock, () => process.cpuUsage()) },
    call: (_, onEnd) => {
      const startMs = clock.nowMs();
      own.call((end) => {
        const [pod, failure] = "pod" in end ? [end.pod, ""] : ["", end.failure];
        why.ended(pod, clock.nowMs() - startMs, failure, "");
        onEnd(end);
      });
    },
    connections: () => sockets.count,
  });
  awaitAnswer(own, message.target, clock.nowMs() + READY_TIMEOUT_MS);
}

/** Says `ready` once a first call has been answered, which is not counted. */
function awaitAnswer(own: Http1Callers, target: string, untilMs: number): void {
  own.call((end) => {
    if ("pod" in end) tell({ type: "ready", client: "node:http" });
    else if (clock.nowMs() < untilMs) {
      clock.setTimer(READY_POLL_MS, () => awaitAnswer(own, target, untilMs));
    } else {
      const seconds = READY_TIMEOUT_MS / 1000;
      const reason = `no answer from ${target} within ${seconds} s: ${end.failure}`;
      tell({ type: "failed", code: "", reason });
    }
  });
}

process.title = "fairlead-lab http1-caller";
process.channel?.ref();
process.on("message", (message: CallerMessage) => {
  if (message.type === "dial") dial(message);
  else if (message.type === "load") {
    if (callers !== null) callers.countMax = message.inFlightMax;
    load?.set(message);
  } else if (message.type === "why") tell(why.answer(message.id));
  else if (message.type === "start") load?.start();
  else load?.stop();
});
