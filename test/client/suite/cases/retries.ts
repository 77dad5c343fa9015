/** Cases of the channel suite: retries and hedges by service config. gRFC A6. */
import assert from "node:assert/strict";
import type { Pairs, RawConnection, RawServer, RawStream } from "../../../support/raw-http2.ts";
import { differs } from "../differences.ts";
import { outcome } from "../driver.ts";
import { message } from "../messages.ts";
import { answer, aWhile, type Case, freshStream, newCase, RESPONSE, type Scene } from "../scene.ts";

const H2_CANCEL = 8;
const PREVIOUS = "grpc-previous-rpc-attempts";

/** A channel whose every method has these. */
function openWith(scene: Scene, server: RawServer, method: object, more: object = {}) {
  const serviceConfig = { methodConfig: [{ name: [{}], ...method }], ...more };
  return scene.open(server.address, { serviceConfig });
}

const retrying = (over: object = {}) => ({
  retryPolicy: {
    ...{ maxAttempts: 3, initialBackoff: "0.02s", maxBackoff: "0.02s", backoffMultiplier: 1 },
    retryableStatusCodes: ["UNAVAILABLE"],
    ...over,
  },
});

const hedging = (over: object = {}) => ({
  hedgingPolicy: {
    ...{ maxAttempts: 3, hedgingDelay: "0.05s", nonFatalStatusCodes: ["UNAVAILABLE"] },
    ...over,
  },
});

/** Trailers-Only. */
function fail(connection: RawConnection, { id }: RawStream, code: number, more: Pairs = []): void {
  connection.headers(id, [...RESPONSE, ["grpc-status", String(code)], ...more], true);
}

function streamCount(server: RawServer): number {
  return server.connections.reduce((sum, { streams }) => sum + streams.size, 0);
}

const ping = Buffer.from("ping");

const retryCases: readonly Case[] = [
  newCase("a call whose policy says so is made again, and says how often", async (scene) => {
    const server = await scene.raw();
    const channel = openWith(scene, server, retrying());
    const result = outcome(channel.unary(ping, { metadata: [["x-id", "7"]] }));
    const told: (string | null)[] = [];
    for (let i = 0; i < 2; i += 1) {
      const { connection, stream } = await freshStream(server);
      told.push(stream.get(PREVIOUS), stream.get("x-id"));
      fail(connection, stream, 14);
    }
    const { connection, stream } = await freshStream(server);
    told.push(stream.get(PREVIOUS), stream.get("x-id"));
    answer(connection, stream);
    assert.equal((await result).code, 0);
    assert.deepEqual(told, [null, "7", "1", "7", "2", "7"]);
  }),

  newCase("a call that has had all its attempts ends with the last one's status", async (scene) => {
    const server = await scene.raw();
    const channel = openWith(scene, server, retrying({ maxAttempts: 2 }));
    const result = outcome(channel.unary(ping));
    for (const text of ["one", "two"]) {
      const { connection, stream } = await freshStream(server);
      fail(connection, stream, 14, [["grpc-message", text]]);
    }
    const { code, details } = await result;
    assert.deepEqual([code, details], [14, "two"]);
    await aWhile(60);
    assert.equal(streamCount(server), 2);
  }),

  newCase("a status that the policy does not name is not retried", async (scene) => {
    const server = await scene.raw();
    const channel = openWith(scene, server, retrying());
    const result = outcome(channel.unary(ping));
    const { connection, stream } = await freshStream(server);
    fail(connection, stream, 13);
    assert.equal((await result).code, 13);
    await aWhile(60);
    assert.equal(streamCount(server), 1);
  }),

  newCase("what fails after its headers came is not retried", async (scene) => {
    const server = await scene.raw();
    const channel = openWith(scene, server, retrying());
    const result = outcome(channel.unary(ping));
    const { connection, stream } = await freshStream(server);
    connection.headers(stream.id, RESPONSE);
    await aWhile();
    connection.headers(stream.id, [["grpc-status", "14"]], true);
    assert.equal((await result).code, 14);
    await aWhile(60);
    assert.equal(streamCount(server), 1);
  }),

  newCase("a server may say when to try again, and that it should not be tried", async (scene) => {
    const server = await scene.raw();
    const policy = retrying({ initialBackoff: "30s", maxBackoff: "30s" });
    const channel = openWith(scene, server, policy);
    const result = outcome(channel.unary(ping));
    const first = await freshStream(server);
    fail(first.connection, first.stream, 14, [["grpc-retry-pushback-ms", "20"]]);
    const second = await freshStream(server);
    fail(second.connection, second.stream, 14, [["grpc-retry-pushback-ms", "-1"]]);
    assert.equal((await result).code, 14);
    assert.equal(streamCount(server), 2);
  }),

  newCase("a request that is a stream is sent again whole", async (scene) => {
    const server = await scene.raw();
    const call = openWith(scene, server, retrying()).clientStream();
    await call.send(Buffer.from("one"));
    const first = await freshStream(server);
    const bytes = Buffer.concat([message("one"), message("two")]);
    fail(first.connection, first.stream, 14);
    await call.send(Buffer.from("two"));
    call.halfClose();
    const { connection, stream } = await freshStream(server);
    for (let i = 0; !stream.isEnded && i < 100; i += 1) await aWhile(10);
    assert.deepEqual(stream.body, bytes);
    answer(connection, stream);
    assert.equal((await outcome(call)).code, 0);
  }),

  newCase("a deadline ends a call between two attempts", async (scene) => {
    const server = await scene.raw();
    const channel = openWith(scene, server, retrying());
    const result = outcome(channel.unary(ping, { deadlineMs: 150 }));
    const { connection, stream } = await freshStream(server);
    fail(connection, stream, 14, [["grpc-retry-pushback-ms", "60000"]]);
    assert.equal((await result).code, 4);
  }),

  newCase("failures take tokens, and too few of them end retries", async (scene) => {
    const server = await scene.raw();
    const retryThrottling = { maxTokens: 4, tokenRatio: 1 };
    const channel = openWith(scene, server, retrying({ maxAttempts: 2 }), { retryThrottling });
    // Of four tokens the first failure leaves three, which is above the half; the second two.
    const result = outcome(channel.unary(ping));
    for (let i = 0; i < 2; i += 1) {
      const { connection, stream } = await freshStream(server);
      fail(connection, stream, 14);
    }
    assert.equal((await result).code, 14);
    const next = outcome(channel.unary(ping));
    const { connection, stream } = await freshStream(server);
    fail(connection, stream, 14);
    assert.equal((await next).code, 14);
    await aWhile(60);
    assert.equal(streamCount(server), 3);
  }),

  newCase("a server that says nonsense about when to try again is not tried", async (scene) => {
    const server = await scene.raw();
    const channel = openWith(scene, server, retrying());
    const result = outcome(channel.unary(ping, { deadlineMs: 300 }));
    const { connection, stream } = await freshStream(server);
    fail(connection, stream, 14, [["grpc-retry-pushback-ms", "soon"]]);
    await aWhile(60);
    const attempts = differs(scene.driver, "bad pushback", { grpcJs: 2, fairlead: 1 });
    assert.equal(streamCount(server), attempts);
    await result;
  }),

  newCase("many calls that fail at once are not all made again", async (scene) => {
    const server = await scene.raw();
    const channel = openWith(scene, server, retrying({ maxAttempts: 2 }));
    const results = Array.from({ length: 8 }, () => outcome(channel.unary(ping)));
    const attempts: Awaited<ReturnType<typeof freshStream>>[] = [];
    for (const _ of results) attempts.push(await freshStream(server));
    for (const { connection, stream } of attempts) fail(connection, stream, 14);
    const retried = differs(scene.driver, "retry budget", { grpcJs: 8, fairlead: 3 });
    for (let i = 0; i < retried; i += 1) {
      const { connection, stream } = await freshStream(server);
      answer(connection, stream);
    }
    const codes = (await Promise.all(results)).map(({ code }) => code);
    assert.equal(codes.filter((code) => code === 0).length, retried);
    assert.equal(streamCount(server), 8 + retried);
  }),
];

const hedgeCases: readonly Case[] = [
  newCase("a hedged call takes the first good answer and cancels the others", async (scene) => {
    const server = await scene.raw();
    const channel = openWith(scene, server, hedging({ maxAttempts: 2 }));
    const result = outcome(channel.unary(ping));
    const first = await freshStream(server);
    const second = await freshStream(server);
    assert.deepEqual([first.stream.get(PREVIOUS), second.stream.get(PREVIOUS)], [null, "1"]);
    answer(second.connection, second.stream, "second");
    const { code, message: got } = await result;
    assert.deepEqual([code, got?.toString()], [0, "second"]);
    for (let i = 0; first.stream.resetCode === null && i < 100; i += 1) await aWhile(10);
    assert.equal(first.stream.resetCode, H2_CANCEL);
  }),

  newCase("a hedged call goes on after a failure that is not fatal, at once", async (scene) => {
    const server = await scene.raw();
    const channel = openWith(scene, server, hedging({ hedgingDelay: "30s" }));
    const result = outcome(channel.unary(ping));
    const first = await freshStream(server);
    fail(first.connection, first.stream, 14);
    const second = await freshStream(server);
    answer(second.connection, second.stream, "second");
    assert.equal((await result).code, 0);
  }),

  newCase("a hedged call ends with a failure that is fatal", async (scene) => {
    const server = await scene.raw();
    const channel = openWith(scene, server, hedging({ maxAttempts: 2 }));
    const result = outcome(channel.unary(ping));
    await freshStream(server);
    const second = await freshStream(server);
    fail(second.connection, second.stream, 3);
    assert.equal((await result).code, 3);
  }),

  newCase(
    "a hedged call whose attempts all fail ends with the last one's status",
    async (scene) => {
      const server = await scene.raw();
      const channel = openWith(scene, server, hedging({ maxAttempts: 2, hedgingDelay: "30s" }));
      const result = outcome(channel.unary(ping));
      for (const text of ["one", "two"]) {
        const { connection, stream } = await freshStream(server);
        fail(connection, stream, 14, [["grpc-message", text]]);
      }
      const { code, details } = await result;
      assert.deepEqual([code, details], [14, "two"]);
    },
  ),
];

/** The cases. */
export const policyCases: readonly Case[] = [...retryCases, ...hedgeCases].map((each) => ({
  ...each,
  needs: ["service config" as const],
}));
