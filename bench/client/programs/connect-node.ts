/**
 * Program: connect-node's gRPC transport over HTTP/2. It has no balancing: one transport for each
 * server, taken in turn.
 *
 * Its messages must be protobuf: a BytesValue that is encoded to the same size, 98 bytes in a field
 * of 2 bytes more.
 */
import { create, createFileRegistry } from "@bufbuild/protobuf";
import type { GenService } from "@bufbuild/protobuf/codegenv2";
import {
  type BytesValueSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";
import { type CallOptions, type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { drive } from "./drive.ts";
import type { Fields } from "./metadata.ts";
import { DEADLINE_MS, MESSAGE_BYTES, STREAM_MESSAGES } from "./plan.ts";

type Bytes = typeof BytesValueSchema;
type Echo = GenService<{
  say: { methodKind: "unary"; input: Bytes; output: Bytes };
  chat: { methodKind: "bidi_streaming"; input: Bytes; output: Bytes };
}>;

/** Tag and length of the field. */
const FIELD_BYTES = 2;
const message = { value: new Uint8Array(MESSAGE_BYTES - FIELD_BYTES).fill(0x78) };

/** What generated code would hold of the echo server. */
function echoService(): Echo {
  const bytes = ".google.protobuf.BytesValue";
  const types = { inputType: bytes, outputType: bytes };
  const file = create(FileDescriptorProtoSchema, {
    name: "echo.proto",
    package: "echo",
    syntax: "proto3",
    dependency: [file_google_protobuf_wrappers.proto.name],
    service: [
      {
        name: "Echo",
        method: [
          { name: "Say", ...types },
          { name: "Chat", ...types, clientStreaming: true, serverStreaming: true },
        ],
      },
    ],
  });
  const registry = createFileRegistry(file, () => file_google_protobuf_wrappers.proto);
  return registry.getService("echo.Echo") as unknown as Echo;
}

function optionsOf(fields: Fields | null): CallOptions {
  if (fields === null) return { timeoutMs: DEADLINE_MS };
  return { timeoutMs: DEADLINE_MS, headers: Object.fromEntries(fields) };
}

async function* requests() {
  for (let i = 0; i < STREAM_MESSAGES; i += 1) yield message;
}

await drive(async ({ addresses }) => {
  const service = echoService();
  const clients = addresses.map((address) =>
    createClient(service, createGrpcTransport({ baseUrl: `http://${address}` })),
  );
  let turn = 0;
  const next = () => clients[turn++ % clients.length] as Client<Echo>;
  return {
    unary: (fields, onEnd) => {
      next()
        .say(message, optionsOf(fields))
        .then(
          (answer) => onEnd(null, answer.value.length + FIELD_BYTES),
          (error: unknown) => onEnd(error, 0),
        );
    },
    chat: async (fields, onMessage) => {
      for await (const _ of next().chat(requests(), optionsOf(fields))) onMessage();
    },
  };
});
