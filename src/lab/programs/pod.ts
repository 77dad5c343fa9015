/**
 * One lab pod: a process with a stock gRPC server that answers with its name after 2 ms, says how
 * loaded it is, and serves gRPC health; and with an HTTP/1.1 server that answers alike.
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
import { Http1Server, http1Port } from "../pods/http1-server.ts";
import { LOAD_REPORT_KEY, PodLoad } from "../pods/load-report.ts";
import { ownPodSettings } from "../pods/pod-settings.ts";

const [name, host, port] = process.argv.slice(2) as [string, string, string];
process.title = `fairlead-lab ${name}`;

/** From SIGTERM to the end, for calls that are open: less than the lab's patience. */
const DRAIN_MS = 1500;
/** What a call takes here at its usual pace: so much that a pod can be ten times slower. */
const CALL_MS_DEFAULT = 2;
const { callMs = CALL_MS_DEFAULT, maxConcurrentStreams } = ownPodSettings();

const say = (message: ChildMessage): void => {
  process.send?.(message);
};

const clock = realClock();
const health = new HealthServer();
const load = new PodLoad(clock.nowMs());
let slowFactor = 1;
let isSick = false;

/** Calls back once the call, begun now, has taken its time. */
function work(onEnd: (nowMs: number) => void): void {
  load.onStart(clock.nowMs());
  clock.setTimer(callMs * slowFactor, () => {
    const nowMs = clock.nowMs();
    load.onEnd(nowMs);
    onEnd(nowMs);
  });
}

type Reply = (error: Partial<StatusObject> | null, pod?: string, trailers?: Metadata) => void;

function answer(nowMs: number, reply: Reply): void {
  if (isSick) {
    reply({ code: status.UNAVAILABLE, details: `${name} is sick` });
    return;
  }
  const trailers = new Metadata();
  const report = load.report(nowMs);
  if (report !== null) trailers.set(LOAD_REPORT_KEY, report);
  reply(null, name, trailers);
}

const http1 = new Http1Server((reply) => {
  work(() =>
    reply(isSick ? { status: 503, text: `${name} is sick` } : { status: 200, text: name }),
  );
});
const server = new Server(
  maxConcurrentStreams === undefined ? {} : { "grpc.max_concurrent_streams": maxConcurrentStreams },
);
server.addService(ECHO_SERVICE, {
  say: (_call: unknown, reply: Reply) => work((nowMs) => answer(nowMs, reply)),
});
server.addService(HEALTH_SERVICE, health.handlers);
server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, boundPort) => {
  if (error) return fail(error);
  http1
    .listen(host, http1Port(Number(port)))
    .then((bound) => say({ type: "listening", port: boundPort, http1Port: bound }), fail);
});

function fail({ message }: Error): void {
  const code = /\bE[A-Z]+\b/.exec(message)?.[0] ?? "";
  say({ type: "failed", code, reason: message });
}

process.on("message", (message: BehaveMessage) => {
  slowFactor = message.slowFactor;
  isSick = message.isSick;
  health.setServing(message.isServing);
});
process.channel?.unref();
process.once("SIGTERM", () => {
  health.shutDown();
  const drained = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  Promise.all([drained, http1.drain()]).then(() => process.exit(0));
  clock.setTimer(DRAIN_MS, () => process.exit(0)).unref();
});
