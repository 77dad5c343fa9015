/** Cases of the channel suite: metadata, as it goes to the server and as it comes from it. */
import assert from "node:assert/strict";
import type { Pairs, RawStream } from "../../../support/raw-http2.ts";
import { differs } from "../differences.ts";
import {
  type Entries,
  type Metadata,
  type Outcome,
  outcome,
  type SuiteChannel,
} from "../driver.ts";
import { message } from "../messages.ts";
import { answer, aWhile, type Case, freshStream, newCase, RESPONSE, type Scene } from "../scene.ts";

const PONG = Buffer.from("pong");

/** Headers of gRPC's own, what a caller might say there, and what has to be said. */
const RESERVED = [
  ["content-type", "text/html", /^application\/grpc(\+proto)?$/],
  ["te", "gzip", /^trailers$/],
] as const;

/** What a server sees of a call with that metadata, which then succeeds. */
async function sent(scene: Scene, metadata: Metadata): Promise<RawStream> {
  const { call, connection, stream } = await scene.stage({ call: { metadata } });
  answer(connection, stream);
  assert.deepEqual((await outcome(call)).message, PONG);
  return stream;
}

/** Fields as they came; sorted where the API has no order of keys. */
function inOrder(scene: Scene, fields: Pairs): Pairs {
  if (scene.driver.lacks["metadata order"] === undefined) return fields;
  return fields.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** All values that came under a key, in order. */
function valuesOf(stream: RawStream, key: string): string[] {
  return fieldsOf(stream)
    .filter(([name]) => name === key)
    .map(([, value]) => value);
}

function fieldsOf(stream: RawStream): [string, string][] {
  return stream.lists[0]!.toPairs();
}

/** Binary values, which may come one by one or joined by commas, padded or not. */
function binaryValuesOf(stream: RawStream, key: string): string[] {
  return valuesOf(stream, key)
    .flatMap((value) => value.split(","))
    .map((value) => Buffer.from(value, "base64").toString("hex"));
}

/** What a client makes of an answer with more headers, and more trailers. */
async function received(scene: Scene, headers: Pairs, trailers: Pairs = []): Promise<Outcome> {
  const { call, connection, stream } = await scene.stage();
  connection.headers(stream.id, [...RESPONSE, ...headers]);
  connection.data(stream.id, message("pong"));
  connection.headers(stream.id, [["grpc-status", "0"], ...trailers], true);
  return outcome(call);
}

/** The error that a call with that metadata throws, or ends with. */
async function refusal(channel: SuiteChannel, metadata: Metadata): Promise<string> {
  try {
    const { code, details } = await outcome(channel.unary(PONG, { metadata }));
    assert.notEqual(code, 0);
    return details;
  } catch (error) {
    assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error));
    return error.message;
  }
}

/** Values of a key, hexadecimal where they are bytes. */
function shown(entries: Entries | null, key: string): string[] | undefined {
  return entries?.[key]?.map((value) =>
    typeof value === "string" ? value : value.toString("hex"),
  );
}

const SEND_CASES: readonly Case[] = [
  newCase("a request has gRPC's headers and no other", async (scene) => {
    const { server, call, connection, stream } = await scene.stage();
    answer(connection, stream);
    await outcome(call);
    const fields = Object.fromEntries(fieldsOf(stream));
    const { "user-agent": agent, ":path": path, ...rest } = fields;
    assert.match(agent!, /grpc-|fairlead/);
    assert.equal(path, "/suite.Suite/Call");
    assert.equal(rest[":method"], "POST");
    assert.equal(rest[":scheme"], "http");
    assert.equal(rest[":authority"], server.address);
    assert.match(rest["content-type"]!, /^application\/grpc(\+proto)?$/);
    assert.equal(rest.te, "trailers");
    assert.equal(rest["grpc-timeout"], undefined);
  }),

  newCase("ASCII metadata goes as it is, and in order", async (scene) => {
    const stream = await sent(scene, [
      ["x-b", "one, two"],
      ["x-a", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"],
      ["x-c_d.e", ""],
    ]);
    const own = fieldsOf(stream).filter(([name]) => name.startsWith("x-"));
    const expected: [string, string][] = [
      ["x-b", "one, two"],
      ["x-a", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"],
      ["x-c_d.e", ""],
    ];
    assert.deepEqual(inOrder(scene, own), inOrder(scene, expected));
  }),

  newCase("keys are sent in lower case", async (scene) => {
    assert.deepEqual(valuesOf(await sent(scene, [["X-Upper", "Yes"]]), "x-upper"), ["Yes"]);
  }),

  newCase("values of one key keep their order", async (scene) => {
    const stream = await sent(scene, [
      ["x-many", "1"],
      ["x-many", "2"],
      ["x-many", "1"],
    ]);
    assert.deepEqual(
      valuesOf(stream, "x-many").flatMap((value) => value.split(/, ?/)),
      ["1", "2", "1"],
    );
  }),

  newCase("binary metadata goes as base64, several values in order", async (scene) => {
    const stream = await sent(scene, [
      ["x-one-bin", Buffer.from([0, 255, 10, 13])],
      ["x-two-bin", Buffer.from("a")],
      ["x-two-bin", Buffer.alloc(0)],
      ["x-two-bin", Buffer.from("ccc")],
    ]);
    assert.deepEqual(binaryValuesOf(stream, "x-one-bin"), ["00ff0a0d"]);
    assert.deepEqual(binaryValuesOf(stream, "x-two-bin"), ["61", "", "636363"]);
  }),

  newCase("metadata of 12 kB arrives whole", async (scene) => {
    const value = "v".repeat(12_000);
    assert.deepEqual(valuesOf(await sent(scene, [["x-long", value]]), "x-long"), [value]);
  }),

  newCase("100 keys arrive", async (scene) => {
    const metadata = Array.from({ length: 100 }, (_, i) => [`x-key-${i}`, `${i}`] as const);
    const own = fieldsOf(await sent(scene, metadata)).filter(([name]) => name.startsWith("x-key"));
    assert.deepEqual(inOrder(scene, own), inOrder(scene, metadata));
  }),

  newCase("what gRPC itself says cannot be said by metadata", async (scene) => {
    const server = await scene.raw();
    for (const [key, value, said] of RESERVED) {
      const { status } = scene.open(server.address).unary(PONG, { metadata: [[key, value]] });
      const taken = await Promise.race([freshStream(server), status.then(() => null)]);
      if (taken === null) continue; // It is refused, which is as well.
      assert.match(valuesOf(taken.stream, key).join("|"), said);
      answer(taken.connection, taken.stream);
      assert.equal((await status).code, 0);
    }
  }),
];

const REFUSAL_CASES: readonly Case[] = [
  ...(
    [
      ["a key with a space", [["x bad", "v"]]],
      ["an empty key", [["", "v"]]],
      ["a key that is not ASCII", [["x-é", "v"]]],
      ["a value with a line break", [["x-bad", "a\r\nb: c"]]],
      ["a value with NUL", [["x-bad", "a\0b"]]],
    ] as const
  ).map(([what, metadata]) =>
    newCase(`${what} is refused, and nothing is sent`, async (scene) => {
      const server = await scene.raw();
      const channel = scene.open(server.address);
      const text = await refusal(channel, metadata);
      assert.notEqual(text, "");
      await aWhile(10);
      assert.equal(server.connections.flatMap(({ streams }) => [...streams]).length, 0);
    }),
  ),
];

const RECEIVE_CASES: readonly Case[] = [
  newCase("headers and trailers are told apart", async (scene) => {
    const { headers, trailers } = await received(scene, [["x-a", "head"]], [["x-a", "tail"]]);
    assert.deepEqual(shown(headers, "x-a"), ["head"]);
    assert.deepEqual(shown(trailers, "x-a"), ["tail"]);
    assert.equal(shown(trailers, "grpc-status"), undefined);
  }),

  newCase("binary metadata of an answer: padded, not padded, joined", async (scene) => {
    const { headers, trailers } = await received(
      scene,
      [
        ["x-padded-bin", "AP8KDQ=="],
        ["x-plain-bin", "AP8KDQ"],
        ["x-joined-bin", "YQ==,Yg,,Y2Nj"],
      ],
      [["x-tail-bin", "YQ"]],
    );
    assert.deepEqual(shown(headers, "x-padded-bin"), ["00ff0a0d"]);
    assert.deepEqual(shown(headers, "x-plain-bin"), ["00ff0a0d"]);
    assert.deepEqual(shown(headers, "x-joined-bin"), ["61", "62", "", "636363"]);
    assert.deepEqual(shown(trailers, "x-tail-bin"), ["61"]);
  }),

  newCase("repeated binary metadata of an answer", async (scene) => {
    const { trailers } = await received(
      scene,
      [],
      [
        ["x-many-bin", "YQ=="],
        ["x-many-bin", "Yg=="],
      ],
    );
    assert.deepEqual(shown(trailers, "x-many-bin"), ["61", "62"]);
  }),

  newCase("repeated ASCII metadata of an answer", async (scene) => {
    const { trailers } = await received(
      scene,
      [],
      [
        ["x-many", "1"],
        ["x-many", "2"],
      ],
    );
    const isApart = scene.driver.lacks["values apart"] === undefined;
    const expected = differs(scene.driver, "repeated values", {
      grpcJs: ["1, 2"],
      fairlead: isApart ? ["1", "2"] : ["1, 2"],
    });
    assert.deepEqual(shown(trailers, "x-many"), expected);
  }),

  newCase("a comma in ASCII metadata of an answer is part of it", async (scene) => {
    const { headers } = await received(scene, [["x-list", "a,b, c"]]);
    assert.deepEqual(shown(headers, "x-list"), ["a,b, c"]);
  }),

  newCase("metadata of 12 kB in an answer is whole", async (scene) => {
    const { trailers } = await received(scene, [], [["x-long", "v".repeat(12_000)]]);
    assert.deepEqual(shown(trailers, "x-long"), ["v".repeat(12_000)]);
  }),

  newCase("an answer with a megabyte of headers fails alone", async (scene) => {
    const { call, server, channel, connection, stream } = await scene.stage();
    const many = Array.from({ length: 100 }, (_, i) => [`x-${i}`, "v".repeat(10_000)] as const);
    connection.headers(stream.id, [...RESPONSE, ...many]);
    const { code } = await outcome(call);
    assert.notEqual(code, 0);
    await aWhile(); // grpc-js still gives calls to the connection that it just gave up.
    const next = channel.unary(PONG);
    const fresh = await freshStream(server);
    answer(fresh.connection, fresh.stream);
    assert.equal((await outcome(next)).code, 0);
  }),
];

/** The cases. */
export const metadataCases: readonly Case[] = [...SEND_CASES, ...REFUSAL_CASES, ...RECEIVE_CASES];
