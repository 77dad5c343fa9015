/** Cases of the channel suite: compression, and servers that get it wrong. */
import assert from "node:assert/strict";
import { deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import { eventually } from "../../../support/raw-http2.ts";
import { differs } from "../differences.ts";
import { type Outcome, outcome, readAll } from "../driver.ts";
import { encodeBytes, frame, message, unframe } from "../messages.ts";
import { answer, type Case, newCase, RESPONSE, type Scene } from "../scene.ts";
import { Path } from "../stock-server.ts";

const RESOURCE_EXHAUSTED = 8;
const INTERNAL = 13;
const TEXT = Buffer.from("to be or not to be ".repeat(50));

const CODINGS = [
  ["gzip", gzipSync, gunzipSync],
  ["deflate", deflateSync, inflateSync],
] as const;

/** What a call makes of an answer in that encoding. */
async function answered(scene: Scene, encoding: string | null, bytes: Buffer): Promise<Outcome> {
  const { call, connection, stream } = await scene.stage();
  const more = encoding === null ? [] : [["grpc-encoding", encoding] as const];
  connection.headers(stream.id, [...RESPONSE, ...more]);
  connection.data(stream.id, bytes);
  connection.headers(stream.id, [["grpc-status", "0"]], true);
  return outcome(call);
}

const GOOD_CASES: readonly Case[] = [
  newCase("what can be decompressed is said", async (scene) => {
    const { call, connection, stream } = await scene.stage();
    const encodings = stream.get("grpc-accept-encoding")!.split(/, */);
    for (const name of ["gzip", "deflate"]) assert.ok(encodings.includes(name), name);
    assert.ok([null, "identity"].includes(stream.get("grpc-encoding")));
    answer(connection, stream);
    await outcome(call);
  }),

  ...CODINGS.map(([name, , decode]) =>
    newCase(
      `${name} compresses what is sent`,
      async (scene) => {
        const channel = { compression: name };
        const { call, connection, stream } = await scene.stage({ channel, request: TEXT });
        assert.equal(stream.get("grpc-encoding"), name);
        await eventually("the end", () => stream.isEnded);
        const [{ flag, payload }] = unframe(stream.body) as [{ flag: number; payload: Buffer }];
        assert.equal(flag, 1);
        assert.deepEqual(decode(payload), encodeBytes(TEXT));
        answer(connection, stream);
        assert.equal((await outcome(call)).code, 0);
      },
      ["compression"],
    ),
  ),

  newCase(
    "a stock server takes compressed streams",
    async (scene) => {
      const server = await scene.stock();
      const call = scene.open(server.address, { compression: "gzip" }).bidi({ path: Path.CHAT });
      for (const body of [TEXT, "", "x"]) await call.send(Buffer.from(body));
      call.halfClose();
      assert.deepEqual((await readAll(call)).map(String), [String(TEXT), "", "x"]);
      assert.equal((await call.status).code, 0);
    },
    ["compression"],
  ),

  ...CODINGS.map(([name, encode]) =>
    newCase(`an answer in ${name} is decompressed`, async (scene) => {
      const result = await answered(scene, name, frame(encode(encodeBytes(TEXT)), 1));
      assert.deepEqual([result.code, result.message], [0, TEXT]);
    }),
  ),

  newCase("a message without the flag is taken as it is, whatever the encoding", async (scene) => {
    const result = await answered(scene, "gzip", message("plain"));
    assert.deepEqual([result.code, result.message], [0, Buffer.from("plain")]);
  }),

  newCase("an unknown encoding is no matter while no message uses it", async (scene) => {
    const result = await answered(scene, "snappy", message("plain"));
    assert.deepEqual([result.code, result.message], [0, Buffer.from("plain")]);
  }),

  newCase("messages of a stream are compressed or not, one by one, in order", async (scene) => {
    const { call, connection, stream } = await scene.stage({ kind: "serverStream" });
    connection.headers(stream.id, [...RESPONSE, ["grpc-encoding", "gzip"]]);
    for (let i = 0; i < 20; i += 1) {
      const wire = encodeBytes(Buffer.from(`${i}`));
      connection.data(stream.id, i % 2 === 0 ? frame(gzipSync(wire), 1) : frame(wire));
    }
    connection.headers(stream.id, [["grpc-status", "0"]], true);
    const expected = Array.from({ length: 20 }, (_, i) => `${i}`);
    assert.deepEqual((await readAll(call)).map(String), expected);
  }),
];

const BAD_CASES: readonly Case[] = [
  ...(
    [
      ["a message in an unknown encoding", "snappy", /snappy/],
      ["a message with the flag, but without an encoding", null, /./],
      ["a message with the flag in the encoding identity", "identity", /./],
    ] as const
  ).map(([name, encoding, details]) =>
    newCase(`${name} is INTERNAL`, async (scene) => {
      const result = await answered(scene, encoding, frame(encodeBytes(TEXT), 1));
      const code = differs<number | undefined>(scene.driver, "no decoder", {
        grpcJs: undefined,
        fairlead: INTERNAL,
      });
      assert.deepEqual([result.code, result.message], [code, null]);
      if (code !== undefined) assert.match(result.details, details);
    }),
  ),

  newCase("a flag other than 0 and 1", async (scene) => {
    const { code } = await answered(scene, null, frame(encodeBytes(TEXT), 2));
    assert.equal(code, differs(scene.driver, "unknown flag", { grpcJs: 0, fairlead: INTERNAL }));
  }),

  ...CODINGS.map(([name]) =>
    newCase(`bytes that are no ${name} are INTERNAL`, async (scene) => {
      const result = await answered(scene, name, frame(Buffer.from("no such thing"), 1));
      assert.deepEqual([result.code, result.message], [INTERNAL, null]);
    }),
  ),

  ...CODINGS.map(([name, encode]) =>
    newCase(`${name} that is cut short is INTERNAL`, async (scene) => {
      const whole = encode(encodeBytes(TEXT));
      const cut = whole.subarray(0, whole.length - 12);
      const result = await answered(scene, name, frame(cut, 1));
      assert.deepEqual([result.code, result.message], [INTERNAL, null]);
    }),
  ),

  ...CODINGS.map(([name, encode]) =>
    newCase(`a small message that becomes a huge one is refused (${name})`, async (scene) => {
      const bomb = frame(encode(Buffer.alloc(16 << 20)), 1);
      assert.ok(bomb.length < 100_000);
      const result = await answered(scene, name, bomb);
      assert.deepEqual([result.code, result.message], [RESOURCE_EXHAUSTED, null]);
    }),
  ),
];

/** The cases. */
export const compressionCases: readonly Case[] = [...GOOD_CASES, ...BAD_CASES];
