/**
 * Retries and hedges against grpc-go: a server that fails the first attempts of a call, as its
 * caller tells it to, reached by our client and, from stock grpc-js, through the proxy.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { createChannel } from "../../src/client/plain/public.ts";
import { startProxy } from "../cli/harness.ts";
import { stopAll } from "../peers/processes.ts";
import { startEchoServer } from "../peers/storms.ts";

after(() => stopAll());

const same = (bytes: Uint8Array): Buffer => Buffer.from(bytes);
const SAY = { path: "/echo.Echo/Say", encode: same, decode: same };
const STATS = { path: "/echo.Echo/Stats", encode: same, decode: same };
const PING = Buffer.from("ping");

const retryPolicy = {
  ...{ maxAttempts: 4, initialBackoff: "0.01s", maxBackoff: "0.02s", backoffMultiplier: 2 },
  retryableStatusCodes: ["UNAVAILABLE"],
};
const hedgingPolicy = {
  ...{ maxAttempts: 4, hedgingDelay: "30s", nonFatalStatusCodes: ["UNAVAILABLE"] },
};

const configOf = (method: object) => ({
  methodConfig: [{ name: [{ service: "echo.Echo" }], ...method }],
});

/** What a call ends with that fails so often before. */
async function outcomeOf(channel: ReturnType<typeof createChannel>, times: number) {
  try {
    const answer = await channel.unary(SAY, PING, { metadata: { "x-fail-times": String(times) } });
    return answer.toString();
  } catch (error) {
    return (error as Error).message;
  }
}

for (const [name, method] of [
  ["retried", { retryPolicy }],
  ["hedged", { hedgingPolicy }],
] as const) {
  test(`grpc-go: calls that fail three times are ${name}, those that fail four times fail`, async (t) => {
    const server = await startEchoServer(t, ["127.0.0.1:0"]);
    if (server === null) return;
    const channel = createChannel(server.addresses[0]!, { serviceConfig: configOf(method) });
    t.after(() => channel.close());
    assert.equal(await outcomeOf(channel, 0), "ping");
    assert.equal(await outcomeOf(channel, 3), "ping");
    assert.match(await outcomeOf(channel, 4), /attempt 4 fails/, "the last attempt's status");
    const stats = JSON.parse((await channel.unary(STATS, PING)).toString());
    assert.equal(stats.calls, 1 + 4 + 4, "no attempt too many");
  });
}

test("grpc-go behind the proxy: stock clients see no attempt but the last", async (t) => {
  const servers = [await startEchoServer(t), await startEchoServer(t)];
  const [a, b] = servers;
  if (a === null || b === null || a === undefined || b === undefined) return;
  const target = [...a.addresses, ...b.addresses].join(",");
  const serviceConfig = JSON.stringify(configOf({ retryPolicy }));
  const args = ["--listen", "127.0.0.1:0", "--to", target, "--service-config", serviceConfig];
  const proxy = await startProxy(...args);
  const client = new grpc.Client(proxy.addresses[0]!, grpc.credentials.createInsecure());
  t.after(() => client.close());
  const say = (times: number) => {
    const metadata = new grpc.Metadata();
    metadata.set("x-fail-times", String(times));
    return new Promise<string>((resolve) => {
      client.makeUnaryRequest(SAY.path, same, same, PING, metadata, (error, answer) =>
        resolve(error === null ? answer!.toString() : `${error.code} ${error.details}`),
      );
    });
  };
  assert.equal(await say(3), "ping");
  assert.equal(await say(4), "14 attempt 4 fails");
  await proxy.process.stop();
});
