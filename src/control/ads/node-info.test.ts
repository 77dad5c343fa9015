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
