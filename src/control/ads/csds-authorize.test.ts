/** Whose state a caller of CSDS is told, where certificates decide. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { realClock } from "../../base/index.ts";
import {
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  type ResourceType,
} from "../../xds/index.ts";
import { csdsMethods } from "./csds.ts";
import type { AdsStream } from "./stream.ts";
import type { Subscription } from "./subscription.ts";

/** A stream of a node whose certificate is of these namespaces; null: none was asked for. */
function streamOf(id: string, namespaces: readonly string[] | null): AdsStream {
  const node = { id, userAgent: "test" };
  const subscriptions = new Map<ResourceType, Subscription>();
  const call = { remote: "127.0.0.1:7" };
  return { node, namespaces, subscriptions, call } as unknown as AdsStream;
}

/** Ids of the nodes that a caller with these names in its certificate is told of. */
function seenBy(peerNames: readonly string[], streams: readonly AdsStream[]): readonly string[] {
  const [fetch] = csdsMethods({ streams: new Set(streams) }, realClock());
  const answers: Uint8Array[] = [];
  const send = (parts: readonly Uint8Array[]) => answers.push(Buffer.concat(parts));
  const events = fetch!.open({ peerNames, unreadBytes: 0, send, end: () => {} } as never);
  events.onMessage(toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema, {})));
  assert.equal(answers.length, 1);
  const { config } = fromBinary(ClientStatusResponseSchema, answers[0]!);
  return config.map(({ node }) => node!.id);
}

test("a caller sees the nodes all of whose namespaces are its own, and no others", () => {
  const streams = [
    streamOf("anyone's", null),
    streamOf("a's", ["a"]),
    streamOf("of a and b", ["a", "b"]),
    streamOf("b's", ["b"]),
  ];
  const [a, b] = ["URI:spiffe://t/ns/a/sa/x", "URI:spiffe://t/ns/b/sa/x"];
  assert.deepEqual(seenBy([a], streams), ["anyone's", "a's"]);
  assert.deepEqual(seenBy([a, b], streams), ["anyone's", "a's", "of a and b", "b's"]);
  assert.deepEqual(seenBy([], streams), ["anyone's"]);
});
