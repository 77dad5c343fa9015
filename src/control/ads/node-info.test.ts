/** What a node is taken for, by its own words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { NodeSchema } from "../../xds/index.ts";
import { readNode } from "./node-info.ts";

const KIND = "fairlead.kind";
const GATEWAY = "fairlead.gateway";

for (const [metadata, userAgentName, told] of [
  [{ [GATEWAY]: "prod/edge" }, "envoy", "gateway prod/edge"],
  [{ [GATEWAY]: "prod/edge" }, "grpc-go", "gateway prod/edge"],
  [{ [KIND]: "gateway", [GATEWAY]: "prod/edge" }, "envoy", "gateway prod/edge"],
  [{ [KIND]: "sidecar", [GATEWAY]: "prod/edge" }, "envoy", "sidecar null"],
  [{}, "envoy", "sidecar null"],
  [{}, "grpc-go", "grpc null"],
  [
    { [GATEWAY]: "edge" },
    "envoy",
    'node.metadata fairlead.gateway "edge": must be NAMESPACE/NAME of a Gateway',
  ],
] as const) {
  test(`${userAgentName} with ${JSON.stringify(metadata)}: ${told}`, () => {
    const node = readNode(create(NodeSchema, { metadata, userAgentName }));
    assert.equal(typeof node === "string" ? node : `${node.kind} ${node.gateway}`, told);
  });
}

/** 0x9b begins a sequence of a terminal; after U+202E a line of a log reads backwards. */
test("words of a node have nothing that is not seen, in whatever field", () => {
  const words = "a\u009b31m\u202eb\u2028c\u001b";
  const metadata = { "fairlead.namespace": words, "fairlead.node": words };
  const read = readNode(
    create(NodeSchema, { id: words, metadata, userAgentName: words, locality: { zone: words } }),
  );
  assert.ok(typeof read === "object");
  const clean = "a?31m?b?c?";
  const { id, namespace, nodeName, userAgent, zone } = read;
  assert.deepEqual([id, namespace, nodeName, userAgent, zone], Array(5).fill(clean));
  const refused = readNode(create(NodeSchema, { metadata: { [KIND]: words } }));
  assert.match(String(refused), /^node\.metadata fairlead\.kind "a\?31m\?b\?c\?": must be /);
});
