/**
 * One lab pod: a process with a stock gRPC server that answers with its name after 2 ms, says how
 * loaded it is, and serves gRPC health.
 *
 *     pod.ts NAME HOST PORT
 *
 * It imports as little as it can, since a dozen of them start at once. Says `listening` or
 * `failed` to the lab, does as the lab says (`behave`: slow, NOT_SERVING, sick), and ends when the
 * lab does. On SIGTERM it says GOAWAY and finishes its calls, as a well-behaved pod does.
 */
import "./leash.ts";
import { Metadata, Server, ServerCredentials, type StatusObject, status } from "@grpc/grpc-js";
import { realClock } from "../../base/index.ts";
import type { BehaveMessage, ChildMessage } from "../messages.ts";
import { ECHO_SERVICE } from "../pods/echo.ts";
import { HEALTH_SERVICE, HealthServer } from "../pods/health.ts";
import { LOAD_REPORT_KEY, PodLoad } from "../pods/load-report.ts";

const [name, host, port] = process.argv.slice(2) as [string, string, string];
process.title = `fairlead-lab ${name}`;

/** From SIGTERM to the end, for calls that are open: less than the lab's patience. */
const DRAIN_MS = 1500;
/** What a call takes here at its usual pace: so much that a pod can be ten times slower. */
const CALL_MS = 2;

const say = (message: ChildMessage): void => {
  process.send?.(message);
};

const clock = realClock();
const health = new HealthServer();
const load = new PodLoad(clock.nowMs());
let slowFactor = 1;
let isSick = false;

type Reply = (error: Partial<StatusObject> | null, pod?: string, trailers?: Metadata) => void;

function answer(reply: Reply): void {
  const nowMs = clock.nowMs();
  load.onEnd(nowMs);
  if (isSick) {
    reply({ code: status.UNAVAILABLE, details: `${name} is sick` });
    return;
  }
  const trailers = new Metadata();
  const report = load.report(nowMs);
  if (report !== null) trailers.set(LOAD_REPORT_KEY, report);
  reply(null, name, trailers);
}

const server = new Server();
server.addService(ECHO_SERVICE, {
  say: (_call: unknown, reply: Reply) => {
    load.onStart(clock.nowMs());
    clock.setTimer(CALL_MS * slowFactor, () => answer(reply));
  },
});
server.addService(HEALTH_SERVICE, health.handlers);
server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, boundPort) => {
  if (!error) return say({ type: "listening", port: boundPort });
  const code = /\bE[A-Z]+\b/.exec(error.message)?.[0] ?? "";
  say({ type: "failed", code, reason: error.message });
});
process.on("message", (message: BehaveMessage) => {
  slowFactor = message.slowFactor;
  isSick = message.isSick;
  health.setServing(message.isServing);
});
process.channel?.unref();
process.once("SIGTERM", () => {
  health.shutDown();
  server.tryShutdown(() => process.exit(0));
  clock.setTimer(DRAIN_MS, () => process.exit(0)).unref();
});
