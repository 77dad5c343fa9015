/**
 * Program: a light, steady load from a stock grpc-js client. Arguments: TARGET CALLS-PER-SECOND
 * SERVICE-CONFIG-JSON.
 *
 * Prints "ready" after its first answer, and at SIGTERM a line of JSON {"calls","failed"}.
 */
import { Client, credentials } from "@grpc/grpc-js";

const [target, rate, serviceConfig] = process.argv.slice(2) as [string, string, string];
const same = (bytes: Buffer) => bytes;
const payload = Buffer.from("reaction");
const TICK_MS = 2;
const DEADLINE_MS = 5_000;
const client = new Client(target, credentials.createInsecure(), {
  ...(serviceConfig === "" ? {} : { "grpc.service_config": serviceConfig }),
});
let calls = 0;
let failed = 0;
let hasAnswer = false;
let owed = 0;
let lastMs = performance.now();

function tick(): void {
  const nowMs = performance.now();
  owed = Math.min(owed + ((nowMs - lastMs) * Number(rate)) / 1_000, 20);
  lastMs = nowMs;
  for (; owed >= 1; owed -= 1) call();
}

function call(): void {
  const deadline = Date.now() + DEADLINE_MS;
  client.makeUnaryRequest("/echo.Echo/Say", same, same, payload, { deadline }, (error) => {
    calls += 1;
    if (error !== null) failed += 1;
    else if (!hasAnswer) {
      hasAnswer = true;
      console.log("ready");
    }
  });
}

const timer = setInterval(tick, TICK_MS);
process.on("SIGTERM", () => {
  clearInterval(timer);
  console.log(JSON.stringify({ calls, failed }));
  process.exit(0);
});
