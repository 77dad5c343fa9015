/** Cases of the channel suite: the shapes of an answer, and servers that are no gRPC servers. */
import assert from "node:assert/strict";
import type { Pairs } from "../../../support/raw-http2.ts";
import { differs } from "../differences.ts";
import { outcome, readAll } from "../driver.ts";
import { message } from "../messages.ts";
import { answer, type Case, newCase, RESPONSE } from "../scene.ts";

const Code = { OK: 0, UNKNOWN: 2, PERMISSION_DENIED: 7, UNIMPLEMENTED: 12, INTERNAL: 13 } as const;

/** HTTP statuses without gRPC ones, and what doc/http-grpc-status-mapping.md makes of them. */
const HTTP_STATUSES: readonly (readonly [http: string, code: number])[] = [
  ["400", 13],
  ["401", 16],
  ["403", 7],
  ["404", 12],
  ["418", 2],
  ["429", 14],
  ["500", 2],
  ["502", 14],
  ["503", 14],
  ["504", 14],
];

const SHAPE_CASES: readonly Case[] = [
  newCase("trailers-only: status, details and trailers", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    const trailers: Pairs = [
      ["grpc-status", "7"],
      ["grpc-message", "not you"],
      ["x-tail", "t"],
    ];
    connection.headers(stream.id, [...RESPONSE, ...trailers], true);
    const result = await outcome(call);
    assert.equal(result.code, Code.PERMISSION_DENIED);
    assert.equal(result.details, "not you");
    assert.deepEqual(result.trailers["x-tail"], ["t"]);
    assert.equal(result.message, null);
  }),

  newCase(
    "trailers-only: there are no headers",
    async (scene) => {
      const { call, connection, stream } = await scene.stage({ kind: "serverStream" });
      connection.headers(stream.id, [...RESPONSE, ["grpc-status", "7"]], true);
      assert.equal((await call.status).code, Code.PERMISSION_DENIED);
      assert.equal(await call.headers, null);
      assert.deepEqual(call.events, ["status"]);
    },
    ["trailers-only headers"],
  ),

  newCase("headers come before the first message does", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "serverStream" });
    connection.headers(stream.id, [...RESPONSE, ["x-early", "yes"]]);
    assert.deepEqual((await call.headers)?.["x-early"], ["yes"]);
    connection.data(stream.id, message("one"));
    assert.deepEqual(await call.read(), Buffer.from("one"));
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    assert.equal(await call.read(), null);
    assert.equal((await call.status).code, Code.OK);
  }),

  newCase("a failed stream gives the messages before its status", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "serverStream" });
    connection.headers(stream.id, RESPONSE);
    connection.data(stream.id, message("one"));
    assert.deepEqual(await call.read(), Buffer.from("one"));
    connection.headers(stream.id, [["grpc-status", "10"]], true);
    assert.equal(await call.read(), null);
    assert.equal((await call.status).code, 10);
  }),

  newCase("an interim 1xx answer is passed over", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    connection.headers(stream.id, [[":status", "103"]]);
    connection.headers(stream.id, [
      [":status", "103"],
      ["x-a", "early"],
    ]);
    answer(connection, stream);
    const result = await outcome(call);
    assert.equal(result.code, Code.OK);
    assert.equal(result.headers?.["x-a"], undefined);
  }),

  newCase("trailers without grpc-status fail the call", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    connection.headers(stream.id, RESPONSE);
    connection.data(stream.id, message("pong"));
    connection.headers(stream.id, [["x-tail", "t"]], true);
    const result = await outcome(call);
    assert.equal(result.code, Code.UNKNOWN);
    assert.equal(result.message, null);
  }),

  newCase("an answer that ends without trailers fails the call", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    connection.headers(stream.id, RESPONSE);
    connection.data(stream.id, message("pong"), true);
    assert.equal((await outcome(call)).code, Code.INTERNAL);
  }),

  newCase("early trailers end a call that still sends", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "clientStream" });
    await call.send(Buffer.from("one"));
    connection.headers(
      stream.id,
      [...RESPONSE, ["grpc-status", "7"], ["grpc-message", "enough"]],
      true,
    );
    const result = await outcome(call);
    assert.deepEqual([result.code, result.details], [Code.PERMISSION_DENIED, "enough"]);
    await call.send(Buffer.from("two"));
    assert.equal((await call.status).code, Code.PERMISSION_DENIED);
  }),

  newCase("early OK of a stream is OK, though the client had more", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "bidi" });
    await call.send(Buffer.from("one"));
    answer(connection, stream, "enough");
    assert.deepEqual(await readAll(call), [Buffer.from("enough")]);
    assert.equal((await call.status).code, Code.OK);
    await call.send(Buffer.from("two"));
  }),

  newCase("RST_STREAM(NO_ERROR) after the trailers changes nothing", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "clientStream" });
    answer(connection, stream, "enough");
    connection.reset(stream.id, 0);
    const result = await outcome(call);
    assert.deepEqual([result.code, result.message], [Code.OK, Buffer.from("enough")]);
  }),
];

const HTTP_CASES: readonly Case[] = [
  ...HTTP_STATUSES.map(([http, code]) =>
    newCase(`HTTP ${http} without a gRPC status`, async (scene) => {
      const { call, connection, stream } = await scene.stage();
      connection.headers(stream.id, [
        [":status", http],
        ["content-type", "text/plain"],
      ]);
      connection.data(stream.id, "oh\n", true);
      const result = await outcome(call);
      assert.equal(result.code, code);
      assert.match(result.details, new RegExp(http));
    }),
  ),
  ...HTTP_STATUSES.map(([http, code]) =>
    newCase(`HTTP ${http} with nothing but headers`, async (scene) => {
      const { call, connection, stream } = await scene.stage();
      connection.headers(stream.id, [[":status", http]], true);
      assert.equal((await outcome(call)).code, code);
    }),
  ),

  newCase("a page of HTML with HTTP 503 is UNAVAILABLE", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    connection.headers(stream.id, [
      [":status", "503"],
      ["content-type", "text/html"],
    ]);
    connection.data(stream.id, "<html><body>Service Unavailable</body></html>", true);
    assert.equal((await outcome(call)).code, 14);
  }),

  newCase("grpc-status wins over an HTTP error", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    connection.headers(
      stream.id,
      [
        [":status", "503"],
        ["content-type", "application/grpc"],
        ["grpc-status", "7"],
      ],
      true,
    );
    assert.equal((await outcome(call)).code, 7);
  }),

  ...["application/grpc+proto", "application/grpc;charset=utf-8"].map((type) =>
    newCase(`content-type ${type} is gRPC`, async (scene) => {
      const { call, connection, stream } = await scene.stage();
      connection.headers(stream.id, [
        [":status", "200"],
        ["content-type", type],
      ]);
      connection.data(stream.id, message("pong"));
      connection.headers(stream.id, [["grpc-status", "0"]], true);
      assert.equal((await outcome(call)).code, Code.OK);
    }),
  ),

  newCase("HTTP 200 with a page of HTML", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    connection.headers(stream.id, [
      [":status", "200"],
      ["content-type", "text/html"],
    ]);
    connection.data(stream.id, "<html><body>Sign in</body></html>", true);
    const expected = differs(scene.driver, "HTML with 200", { grpcJs: 8, fairlead: 2 });
    assert.equal((await outcome(call)).code, expected);
  }),
];

/** The cases. */
export const answerCases: readonly Case[] = [...SHAPE_CASES, ...HTTP_CASES];
