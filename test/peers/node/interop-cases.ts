/**
 * The gRPC interop cases that need no special server features, as grpc's
 * `doc/interop-test-descriptions.md` tells them. Each resolves, or throws what it found instead.
 */
import assert from "node:assert/strict";
import { type Answer, type Caller, Code, type Duplex, pathOf } from "./interop-caller.ts";
import {
  aggregatedBytesOf,
  type EchoStatus,
  encodeSimpleRequest,
  encodeStreamingInput,
  encodeStreamingOutput,
  payloadBytesOf,
} from "./interop-messages.ts";

/** One case on an open channel. */
export type Case = (caller: Caller) => Promise<void>;

const REQUEST_BYTES = 271_828;
/** Bytes of the large answer. */
export const RESPONSE_BYTES = 314_159;
const REQUEST_SIZES = [27182, 8, 1828, 45904];
const RESPONSE_SIZES = [31415, 9, 2653, 58979];

/** Fails the case unless the call ended so. */
export function wantStatus(answer: Answer, code: number, details?: string): void {
  assert.equal(answer.code, code, `ended with ${answer.code} (${answer.details}), not ${code}`);
  if (details !== undefined) assert.equal(answer.details, details);
}

/** Fails the case unless the answers have payloads of these sizes. */
export function wantPayloads(answer: Answer, sizes: readonly number[]): void {
  assert.deepEqual(answer.messages.map(payloadBytesOf), sizes);
}

/** Sends the n-th of the four requests, each asking for an answer of its own size. */
function sendPing(call: Duplex, index: number): void {
  const responseBytes = [RESPONSE_SIZES[index] as number];
  const payloadBytes = REQUEST_SIZES[index] as number;
  call.write(encodeStreamingOutput({ responseBytes, payloadBytes }));
}

/** The sizes of the large unary call. */
export const LARGE = { responseBytes: RESPONSE_BYTES, payloadBytes: REQUEST_BYTES };

async function customMetadata(caller: Caller): Promise<void> {
  const metadata = {
    "x-grpc-test-echo-initial": "test_initial_metadata_value",
    "x-grpc-test-echo-trailing-bin": Buffer.from("ababab", "hex"),
  };
  const request = encodeSimpleRequest(LARGE);
  const single = await caller.unary(pathOf("UnaryCall"), request, { metadata });
  wantPayloads(single, [RESPONSE_BYTES]);
  const sendOne = (call: Duplex, index: number) => {
    if (index >= 0) return;
    call.write(
      encodeStreamingOutput({ responseBytes: [RESPONSE_BYTES], payloadBytes: REQUEST_BYTES }),
    );
    call.end();
  };
  const stream = await caller.bidi(pathOf("FullDuplexCall"), sendOne, { metadata });
  wantPayloads(stream, [RESPONSE_BYTES]);
  for (const answer of [single, stream]) {
    wantStatus(answer, Code.OK);
    const initial = answer.header("x-grpc-test-echo-initial");
    assert.deepEqual(initial, ["test_initial_metadata_value"]);
    const trailing = answer.trailer("x-grpc-test-echo-trailing-bin");
    assert.deepEqual(trailing, [Buffer.from("ababab", "hex")]);
  }
}

async function statusCodeAndMessage(caller: Caller): Promise<void> {
  const echo: EchoStatus = { code: Code.UNKNOWN, message: "test status message" };
  const single = await caller.unary(pathOf("UnaryCall"), encodeSimpleRequest({ status: echo }));
  wantStatus(single, echo.code, echo.message);
  const stream = await caller.bidi(pathOf("FullDuplexCall"), (call, index) => {
    if (index >= 0) return;
    call.write(encodeStreamingOutput({ status: echo }));
    call.end();
  });
  wantStatus(stream, echo.code, echo.message);
}

const SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1f608}\t\n";

/** The cases that need no more than one channel, by name. */
export const BASIC_CASES: Readonly<Record<string, Case>> = {
  empty_unary: async (caller) => {
    const answer = await caller.unary(pathOf("EmptyCall"), Buffer.alloc(0));
    wantStatus(answer, Code.OK);
    assert.deepEqual(answer.messages, [Buffer.alloc(0)]);
  },
  large_unary: async (caller) => {
    const answer = await caller.unary(pathOf("UnaryCall"), encodeSimpleRequest(LARGE));
    wantStatus(answer, Code.OK);
    wantPayloads(answer, [RESPONSE_BYTES]);
  },
  client_streaming: async (caller) => {
    const requests = REQUEST_SIZES.map((size) => ({ bytes: encodeStreamingInput(size) }));
    const answer = await caller.clientStream(pathOf("StreamingInputCall"), requests);
    wantStatus(answer, Code.OK);
    assert.equal(aggregatedBytesOf(answer.messages[0] as Buffer), 74922);
  },
  server_streaming: async (caller) => {
    const request = encodeStreamingOutput({ responseBytes: RESPONSE_SIZES });
    const answer = await caller.serverStream(pathOf("StreamingOutputCall"), request);
    wantStatus(answer, Code.OK);
    wantPayloads(answer, RESPONSE_SIZES);
  },
  ping_pong: async (caller) => {
    const answer = await caller.bidi(pathOf("FullDuplexCall"), (call, index) => {
      if (index + 1 < REQUEST_SIZES.length) sendPing(call, index + 1);
      else call.end();
    });
    wantStatus(answer, Code.OK);
    wantPayloads(answer, RESPONSE_SIZES);
  },
  empty_stream: async (caller) => {
    const answer = await caller.bidi(pathOf("FullDuplexCall"), (call) => call.end());
    wantStatus(answer, Code.OK);
    wantPayloads(answer, []);
  },
  custom_metadata: customMetadata,
  status_code_and_message: statusCodeAndMessage,
  special_status_message: async (caller) => {
    const request = encodeSimpleRequest({ status: { code: Code.UNKNOWN, message: SPECIAL } });
    const answer = await caller.unary(pathOf("UnaryCall"), request);
    wantStatus(answer, Code.UNKNOWN, SPECIAL);
  },
  unimplemented_method: async (caller) => {
    const answer = await caller.unary(pathOf("UnimplementedCall"), Buffer.alloc(0));
    wantStatus(answer, Code.UNIMPLEMENTED);
  },
  unimplemented_service: async (caller) => {
    const path = pathOf("UnimplementedCall", "UnimplementedService");
    wantStatus(await caller.unary(path, Buffer.alloc(0)), Code.UNIMPLEMENTED);
  },
  cancel_after_begin: async (caller) => {
    wantStatus(await caller.clientStream(pathOf("StreamingInputCall"), [], true), Code.CANCELLED);
  },
  cancel_after_first_response: async (caller) => {
    const answer = await caller.bidi(pathOf("FullDuplexCall"), (call, index) => {
      if (index < 0) sendPing(call, 0);
      else call.cancel();
    });
    wantStatus(answer, Code.CANCELLED);
    wantPayloads(answer, RESPONSE_SIZES.slice(0, 1));
  },
  timeout_on_sleeping_server: async (caller) => {
    const sendOne = (call: Duplex) =>
      void call.write(encodeStreamingOutput({ payloadBytes: 27182 }));
    const attempt = () => caller.bidi(pathOf("FullDuplexCall"), sendOne, { deadlineMs: 1 });
    let answer = await attempt();
    // The server knows the deadline too, and may reset the stream before our own timer fires:
    // grpc-js then says CANCELLED. That is a race of the case, so it has a few attempts.
    for (let more = 4; more > 0 && answer.code === Code.CANCELLED; more -= 1) {
      answer = await attempt();
    }
    wantStatus(answer, Code.DEADLINE_EXCEEDED);
  },
};
