/**
 * `node xds-client.ts --target xds:///NAME ...`: a stock grpc-js program that balances itself, by
 * grpc-js-xds. The same as `../go/xds-client`: same flags, same lines, same end by SIGTERM.
 */
import { parseArgs } from "node:util";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { register } from "@grpc/grpc-js-xds";

register();
const { values } = parseArgs({
  options: {
    target: { type: "string", default: "" },
    method: { type: "string", default: "/echo.Echo/Say" },
    interval: { type: "string", default: "10ms" },
    timeout: { type: "string", default: "5s" },
    headers: { type: "string", default: "" },
  },
});
const asIs = (bytes: Buffer): Buffer => bytes;
const client = new Client(values.target, credentials.createInsecure());
let isReady = false;
let activeCount = 0;
let isStopping = false;

/** "10ms" or "1s", as Go's flags take them. */
function milliseconds(text: string): number {
  return text.endsWith("ms") ? Number(text.slice(0, -2)) : Number(text.slice(0, -1)) * 1000;
}

function call(): void {
  const beginMs = performance.now();
  const metadata = new Metadata();
  for (const pair of values.headers.split(",")) {
    const [name, value] = pair.split("=");
    if (value !== undefined) metadata.set(name!, value);
  }
  activeCount += 1;
  const options = { deadline: Date.now() + milliseconds(values.timeout) };
  const done = (error: ServiceError | null): void => {
    activeCount -= 1;
    if (error === null && !isReady) {
      isReady = true;
      console.log("ready");
    }
    const ms = Math.floor(performance.now() - beginMs);
    const [code, message] = error === null ? [0, ""] : [error.code, error.details];
    const peer = error === null ? started.getPeer() : "";
    console.log(JSON.stringify({ at: Date.now(), ms, peer, code, message }));
    if (isStopping && activeCount === 0) process.exit(0);
  };
  const request = Buffer.from("hello");
  const started = client.makeUnaryRequest(
    values.method,
    asIs,
    asIs,
    request,
    metadata,
    options,
    done,
  );
}

const timer = setInterval(call, milliseconds(values.interval));
process.on("SIGTERM", () => {
  isStopping = true;
  clearInterval(timer);
  if (activeCount === 0) process.exit(0);
});
