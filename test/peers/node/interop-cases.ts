/**
 * The gRPC interop cases that need no special server features, as grpc's
 * `doc/interop-test-descriptions.md` tells them. Each resolves, or throws what it found instead.
 */
import assert from "node:assert/strict";
import { type Client, type ClientDuplexStream, Metadata, status } from "@grpc/grpc-js";
import { type Answer, bidi, clientStream, pathOf, serverStream, unary } from "./interop-calls.ts";
import {
  aggregatedBytesOf,
  type EchoStatus,
  encodeSimpleRequest,
  encodeStreamingInput,
  encodeStreamingOutput,
  payloadBytesOf,
} from "./interop-messages.ts";

type Case = (client: Client) => Promise<void>;
type Duplex = ClientDuplexStream<Buffer, Buffer>;

const REQUEST_BYTES = 271_828;
const RESPONSE_BYTES = 314_159;
const REQUEST_SIZES = [27182, 8, 1828, 45904];
const RESPONSE_SIZES = [31415, 9, 2653, 58979];

function wantStatus(answer: Answer, code: status, details?: string): void {
  const said = `${status[answer.status.code]}: ${answer.status.details}`;
  assert.equal(answer.status.code, code, `ended with ${said}, not ${status[code]}`);
  if (details !== undefined) assert.equal(answer.status.details, details);
}

function wantPayloads(answer: Answer, sizes: readonly number[]): void {
  assert.deepEqual(answer.messages.map(payloadBytesOf), sizes);
}

/** Sends the n-th of the four requests, each asking for an answer of its own size. */
function sendPing(call: Duplex, index: number): void {
  const responseBytes = [RESPONSE_SIZES[index] as number];
  const payloadBytes = REQUEST_SIZES[index] as number;
  call.write(encodeStreamingOutput({ responseBytes, payloadBytes }));
}

const LARGE = { responseBytes: RESPONSE_BYTES, payloadBytes: REQUEST_BYTES };

async function customMetadata(client: Client): Promise<void> {
  const metadata = new Metadata();
  metadata.set("x-grpc-test-echo-initial", "test_initial_metadata_value");
  metadata.set("x-grpc-test-echo-trailing-bin", Buffer.from("ababab", "hex"));
  const single = await unary(client, pathOf("UnaryCall"), encodeSimpleRequest(LARGE), metadata);
  wantPayloads(single, [RESPONSE_BYTES]);
  const sendOne = (call: Duplex, index: number) => {
    if (index >= 0) return;
    call.write(
      encodeStreamingOutput({ responseBytes: [RESPONSE_BYTES], payloadBytes: REQUEST_BYTES }),
    );
    call.end();
  };
  const stream = await bidi(client, pathOf("FullDuplexCall"), sendOne, { metadata });
  wantPayloads(stream, [RESPONSE_BYTES]);
  for (const answer of [single, stream]) {
    wantStatus(answer, status.OK);
    const initial = answer.header.get("x-grpc-test-echo-initial");
    assert.deepEqual(initial, ["test_initial_metadata_value"]);
    const trailing = answer.status.metadata.get("x-grpc-test-echo-trailing-bin");
    assert.deepEqual(trailing, [Buffer.from("ababab", "hex")]);
  }
}

async function statusCodeAndMessage(client: Client): Promise<void> {
  const echo: EchoStatus = { code: status.UNKNOWN, message: "test status message" };
  const single = await unary(client, pathOf("UnaryCall"), encodeSimpleRequest({ status: echo }));
  wantStatus(single, echo.code, echo.message);
  const stream = await bidi(client, pathOf("FullDuplexCall"), (call, index) => {
    if (index >= 0) return;
    call.write(encodeStreamingOutput({ status: echo }));
    call.end();
  });
  wantStatus(stream, echo.code, echo.message);
}

const SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1f608}\t\n";

/** The cases by name. */
export const CASES: Readonly<Record<string, Case>> = {
  empty_unary: async (client) => {
    const answer = await unary(client, pathOf("EmptyCall"), Buffer.alloc(0));
    wantStatus(answer, status.OK);
    assert.deepEqual(answer.messages, [Buffer.alloc(0)]);
  },
  large_unary: async (client) => {
    const answer = await unary(client, pathOf("UnaryCall"), encodeSimpleRequest(LARGE));
    wantStatus(answer, status.OK);
    wantPayloads(answer, [RESPONSE_BYTES]);
  },
  client_streaming: async (client) => {
    const requests = REQUEST_SIZES.map(encodeStreamingInput);
    const answer = await clientStream(client, pathOf("StreamingInputCall"), requests);
    wantStatus(answer, status.OK);
    assert.equal(aggregatedBytesOf(answer.messages[0] as Buffer), 74922);
  },
  server_streaming: async (client) => {
    const request = encodeStreamingOutput({ responseBytes: RESPONSE_SIZES });
    const answer = await serverStream(client, pathOf("StreamingOutputCall"), request);
    wantStatus(answer, status.OK);
    wantPayloads(answer, RESPONSE_SIZES);
  },
  ping_pong: async (client) => {
    const answer = await bidi(client, pathOf("FullDuplexCall"), (call, index) => {
      if (index + 1 < REQUEST_SIZES.length) sendPing(call, index + 1);
      else call.end();
    });
    wantStatus(answer, status.OK);
    wantPayloads(answer, RESPONSE_SIZES);
  },
  empty_stream: async (client) => {
    const answer = await bidi(client, pathOf("FullDuplexCall"), (call) => call.end());
    wantStatus(answer, status.OK);
    wantPayloads(answer, []);
  },
  custom_metadata: customMetadata,
  status_code_and_message: statusCodeAndMessage,
  special_status_message: async (client) => {
    const request = encodeSimpleRequest({ status: { code: status.UNKNOWN, message: SPECIAL } });
    const answer = await unary(client, pathOf("UnaryCall"), request);
    wantStatus(answer, status.UNKNOWN, SPECIAL);
  },
  unimplemented_method: async (client) => {
    const answer = await unary(client, pathOf("UnimplementedCall"), Buffer.alloc(0));
    wantStatus(answer, status.UNIMPLEMENTED);
  },
  unimplemented_service: async (client) => {
    const path = pathOf("UnimplementedCall", "UnimplementedService");
    wantStatus(await unary(client, path, Buffer.alloc(0)), status.UNIMPLEMENTED);
  },
  cancel_after_begin: async (client) => {
    wantStatus(
      await clientStream(client, pathOf("StreamingInputCall"), [], true),
      status.CANCELLED,
    );
  },
  cancel_after_first_response: async (client) => {
    const answer = await bidi(client, pathOf("FullDuplexCall"), (call, index) => {
      if (index < 0) sendPing(call, 0);
      else call.cancel();
    });
    wantStatus(answer, status.CANCELLED);
    wantPayloads(answer, RESPONSE_SIZES.slice(0, 1));
  },
  timeout_on_sleeping_server: async (client) => {
    const sendOne = (call: Duplex) =>
      void call.write(encodeStreamingOutput({ payloadBytes: 27182 }));
    const attempt = () => bidi(client, pathOf("FullDuplexCall"), sendOne, { deadlineMs: 1 });
    let answer = await attempt();
    // The server knows the deadline too, and may reset the stream before our own timer fires:
    // grpc-js then says CANCELLED. That is a race of the case, so it has a few attempts.
    for (let more = 4; more > 0 && answer.status.code === status.CANCELLED; more -= 1) {
      answer = await attempt();
    }
    wantStatus(answer, status.DEADLINE_EXCEEDED);
  },
};
