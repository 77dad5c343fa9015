/**
 * The interop cases that need more than one open channel: about compression, and the soaks.
 *
 * A compressed message is told from a plain one on the wire itself. The description has a probe
 * besides, a request that claims to be compressed and is not, which the server must refuse: it
 * judges servers, and none of those here looks.
 */
import assert from "node:assert/strict";
import { type Caller, Code, type OpenCaller, pathOf } from "./interop-caller.ts";
import { LARGE, wantPayloads, wantStatus } from "./interop-cases.ts";
import {
  aggregatedBytesOf,
  encodeSimpleRequest,
  encodeStreamingInput,
  encodeStreamingOutput,
} from "./interop-messages.ts";
import { openWireTap, type WireTap } from "./wire-tap.ts";

/** A case that opens its own channels. */
export type SpecialCase = (open: OpenCaller, target: string) => Promise<void>;

/** The description's least for a soak is 10; a channel costs more than a call. */
const RPC_SOAK_CALLS = 200;
const CHANNEL_SOAK_CHANNELS = 40;
/** How many calls of a soak are in flight at once ("soak_num_threads"). */
const RPC_SOAK_THREADS = 4;

/** Runs with a channel through a tap; both are closed at the end. */
async function withTap(
  open: OpenCaller,
  target: string,
  isCompressing: boolean,
  body: (caller: Caller, tap: WireTap) => Promise<void>,
): Promise<void> {
  const tap = await openWireTap(target);
  const caller = open(tap.address, isCompressing);
  try {
    await body(caller, tap);
  } finally {
    caller.close();
    tap.close();
  }
}

async function clientCompressedUnary(open: OpenCaller, target: string): Promise<void> {
  for (const isCompressed of [true, false]) {
    await withTap(open, target, isCompressed, async (caller, tap) => {
      const request = encodeSimpleRequest({ ...LARGE, isCompressed });
      const answer = await caller.unary(pathOf("UnaryCall"), request);
      wantStatus(answer, Code.OK);
      wantPayloads(answer, [LARGE.responseBytes]);
      assert.deepEqual(tap.take().sent, [isCompressed], "compressed requests");
    });
  }
}

async function serverCompressedUnary(open: OpenCaller, target: string): Promise<void> {
  await withTap(open, target, false, async (caller, tap) => {
    for (const isResponseCompressed of [true, false]) {
      const request = encodeSimpleRequest({ ...LARGE, isResponseCompressed });
      const answer = await caller.unary(pathOf("UnaryCall"), request);
      wantStatus(answer, Code.OK);
      wantPayloads(answer, [LARGE.responseBytes]);
      assert.deepEqual(tap.take().received, [isResponseCompressed], "compressed answers");
    }
  });
}

async function clientCompressedStreaming(open: OpenCaller, target: string): Promise<void> {
  await withTap(open, target, true, async (caller, tap) => {
    const answer = await caller.clientStream(pathOf("StreamingInputCall"), [
      { bytes: encodeStreamingInput(27182, true) },
      { bytes: encodeStreamingInput(45904, false), isPlain: true },
    ]);
    wantStatus(answer, Code.OK);
    assert.equal(aggregatedBytesOf(answer.messages[0] as Buffer), 73086);
    assert.deepEqual(tap.take().sent, [true, false], "compressed requests");
  });
}

async function serverCompressedStreaming(open: OpenCaller, target: string): Promise<void> {
  await withTap(open, target, false, async (caller, tap) => {
    const responseBytes = [31415, 92653];
    const areResponsesCompressed = [true, false];
    const request = encodeStreamingOutput({ responseBytes, areResponsesCompressed });
    const answer = await caller.serverStream(pathOf("StreamingOutputCall"), request);
    wantStatus(answer, Code.OK);
    wantPayloads(answer, responseBytes);
    assert.deepEqual(tap.take().received, areResponsesCompressed, "compressed answers");
  });
}

async function largeUnary(caller: Caller): Promise<void> {
  const answer = await caller.unary(pathOf("UnaryCall"), encodeSimpleRequest(LARGE));
  wantStatus(answer, Code.OK);
  wantPayloads(answer, [LARGE.responseBytes]);
}

async function rpcSoak(open: OpenCaller, target: string): Promise<void> {
  const caller = open(target, false);
  const thread = async () => {
    for (let n = 0; n < RPC_SOAK_CALLS / RPC_SOAK_THREADS; n += 1) await largeUnary(caller);
  };
  try {
    await Promise.all(Array.from({ length: RPC_SOAK_THREADS }, thread));
  } finally {
    caller.close();
  }
}

async function channelSoak(open: OpenCaller, target: string): Promise<void> {
  for (let n = 0; n < CHANNEL_SOAK_CHANNELS; n += 1) {
    const caller = open(target, false);
    try {
      await largeUnary(caller);
    } finally {
      caller.close();
    }
  }
}

/** The cases by name. */
export const SPECIAL_CASES: Readonly<Record<string, SpecialCase>> = {
  client_compressed_unary: clientCompressedUnary,
  server_compressed_unary: serverCompressedUnary,
  client_compressed_streaming: clientCompressedStreaming,
  server_compressed_streaming: serverCompressedStreaming,
  rpc_soak: rpcSoak,
  channel_soak: channelSoak,
};
