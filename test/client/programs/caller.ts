/**
 * A program with a grpc-js client on the channel of one's choice: makes unary calls, and tells line
 * by line, as JSON, what comes of them. What would crash a user's process crashes this one. SIGTERM
 * lets the calls in flight end, and is the end of the calls.
 *
 * `node caller.ts --target T [--channel grpc-js|fairlead] [--calls N] [--concurrency N]
 * [--deadline-ms N] [--pause-ms N] [--wait] [--options JSON]`
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { type ChannelName, channelOptions } from "../../peers/node/channel-options.ts";

const { values } = parseArgs({
  options: {
    target: { type: "string", default: "" },
    channel: { type: "string", default: "grpc-js" },
    calls: { type: "string", default: "1" },
    concurrency: { type: "string", default: "1" },
    /** 0 for none. */
    "deadline-ms": { type: "string", default: "0" },
    /** Between a call and the next of the same lane. */
    "pause-ms": { type: "string", default: "0" },
    /** Calls wait until a connection is ready. */
    wait: { type: "boolean", default: false },
    /** Channel arguments. */
    options: { type: "string", default: "{}" },
  },
});

const PATH = "/echo.Echo/Say";
/** Failures that are told one by one. */
const TOLD_MAX = 20;

const same = (bytes: Buffer) => bytes;
const tell = (line: object) => console.log(JSON.stringify(line));

const deadlineMs = Number(values["deadline-ms"]);
const pauseMs = Number(values["pause-ms"]);
const startedAt = performance.now();
const seen = new Set<string>();
const failed: Record<string, number> = {};
let told = 0;
let ok = 0;
let left = Number(values.calls);
let isFailing = false;

const client = new Client(values.target, credentials.createInsecure(), {
  ...channelOptions(values.channel as ChannelName),
  ...JSON.parse(values.options),
});

function call(): Promise<void> {
  return new Promise((done) => {
    const metadata = new Metadata({ waitForReady: values.wait });
    const deadline = deadlineMs === 0 ? {} : { deadline: Date.now() + deadlineMs };
    const onAnswer = (error: ServiceError | null) => {
      onEnd(error);
      done();
    };
    client
      .makeUnaryRequest(PATH, same, same, Buffer.from("hello"), metadata, deadline, onAnswer)
      .on("metadata", (header: Metadata) => onServer(String(header.get("x-served-by")[0] ?? "")));
  });
}

function onServer(server: string): void {
  if (seen.has(server)) return;
  seen.add(server);
  tell({ event: "seen", server });
}

function onEnd(error: ServiceError | null): void {
  if (error === null) {
    ok += 1;
    if (isFailing) tell({ event: "recovered" });
    isFailing = false;
    return;
  }
  const code = status[error.code] ?? String(error.code);
  failed[code] = (failed[code] ?? 0) + 1;
  isFailing = true;
  told += 1;
  if (told <= TOLD_MAX) tell({ event: "failed", code, details: error.details });
}

async function lane(): Promise<void> {
  while (left > 0) {
    left -= 1;
    await call();
    if (pauseMs > 0) await sleep(pauseMs);
  }
}

process.once("SIGTERM", () => {
  left = 0;
});
await Promise.all(Array.from({ length: Number(values.concurrency) }, lane));
client.close();
const seconds = (performance.now() - startedAt) / 1000;
tell({ event: "done", ok, failed, isFailing, seconds });
