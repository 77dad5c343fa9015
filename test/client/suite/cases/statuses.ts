/** Cases of the channel suite: what a call's status is, as the server put it into trailers. */
import assert from "node:assert/strict";
import type { Pairs } from "../../../support/raw-http2.ts";
import { differs } from "../differences.ts";
import { type CallStatus, type Outcome, outcome } from "../driver.ts";
import { message } from "../messages.ts";
import { type Case, newCase, RESPONSE, type Scene } from "../scene.ts";

const STATUSES_IN_RANGE = 17;

/** What a call makes of those trailers, which follow headers and one message. */
async function trailed(scene: Scene, trailers: Pairs): Promise<Outcome> {
  const { call, connection, stream } = await scene.stage();
  connection.headers(stream.id, RESPONSE);
  connection.data(stream.id, message("pong"));
  connection.headers(stream.id, trailers, true);
  return outcome(call);
}

function brief({ code, details }: CallStatus) {
  return { code, details };
}

/** The cases. */
export const statusCases: readonly Case[] = [
  newCase("each of the 17 status codes comes with its details", async (scene) => {
    const server = await scene.raw();
    const channel = scene.open(server.address);
    const isApart = scene.driver.lacks["error trailers apart"] === undefined;
    for (let code = 0; code < STATUSES_IN_RANGE; code += 1) {
      const call = channel.unary(Buffer.from("ping"));
      const connection = server.connections[0] ?? (await server.next());
      const { id } = await connection.nextStream();
      connection.headers(id, RESPONSE);
      connection.data(id, message("pong"));
      const trailers: Pairs = [
        ["grpc-status", String(code)],
        ["grpc-message", `reason ${code}`],
      ];
      connection.headers(id, trailers, true);
      const { details, ...rest } = await outcome(call);
      assert.equal(rest.code, code);
      // What details an OK has is nobody's business, and not every API tells it.
      if (code !== 0) assert.equal(details, `reason ${code}`);
      assert.deepEqual(rest.message, code === 0 ? Buffer.from("pong") : null);
      const headers = { "content-type": ["application/grpc"] };
      assert.deepEqual(rest.trailers, code === 0 || isApart ? {} : headers);
    }
  }),

  ...(
    [
      ["17", 17],
      ["99", 99],
      ["-1", -1],
      ["oops", Number.NaN],
    ] as const
  ).map(([value, number]) =>
    newCase(`grpc-status: ${value} is no status code`, async (scene) => {
      const { code } = await trailed(scene, [["grpc-status", value]]);
      assert.equal(code, differs(scene.driver, "unknown status", { grpcJs: number, fairlead: 2 }));
    }),
  ),

  newCase("details are percent-decoded, then UTF-8", async (scene) => {
    const status = await trailed(scene, [
      ["grpc-status", "9"],
      ["grpc-message", "caf%C3%A9 %E2%98%83%0a100%25"],
    ]);
    assert.deepEqual(brief(status), { code: 9, details: "café ☃\n100%" });
  }),

  newCase("details with escaped reserved characters", async (scene) => {
    const { details } = await trailed(scene, [
      ["grpc-status", "9"],
      ["grpc-message", "no such file%3A %2Ftmp%2Fa%23b"],
    ]);
    const expected = differs(scene.driver, "reserved characters", {
      grpcJs: "no such file%3A %2Ftmp%2Fa%23b",
      fairlead: "no such file: /tmp/a#b",
    });
    assert.equal(details, expected);
  }),

  newCase("details with a broken escape", async (scene) => {
    const { code, details } = await trailed(scene, [
      ["grpc-status", "9"],
      ["grpc-message", "100% caf%C3%A9 %zz"],
    ]);
    assert.equal(code, 9);
    const expected = differs(scene.driver, "broken escape", {
      grpcJs: "100% caf%C3%A9 %zz",
      fairlead: "100% café %zz",
    });
    assert.equal(details, expected);
  }),

  newCase("details of 6 kB are whole", async (scene) => {
    const long = "long ".repeat(1_200).trim();
    const status = await trailed(scene, [
      ["grpc-status", "10"],
      ["grpc-message", long],
    ]);
    assert.deepEqual(brief(status), { code: 10, details: long });
  }),

  newCase("a failure without a message has empty details", async (scene) => {
    const status = await trailed(scene, [["grpc-status", "7"]]);
    assert.deepEqual(brief(status), { code: 7, details: "" });
  }),

  ...(
    [
      ["with padding", "CAkSA3dlbA=="],
      ["without padding", "CAkSA3dlbA"],
    ] as const
  ).map(([what, base64]) =>
    newCase(`grpc-status-details-bin ${what} is in the trailers`, async (scene) => {
      const { code, trailers } = await trailed(scene, [
        ["grpc-status", "9"],
        ["grpc-message", "wel"],
        ["grpc-status-details-bin", base64],
      ]);
      assert.equal(code, 9);
      assert.deepEqual(trailers["grpc-status-details-bin"], [Buffer.from(base64, "base64")]);
    }),
  ),
];
