/** What `proxy-config` makes of the words of a fairlead proxy. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListenerView } from "../proxy/index.ts";
import { ownRows } from "./own-config.ts";

/** As `/listeners?format=json` has it. */
function listener(more: Partial<ListenerView>): ListenerView {
  const chain = { serverNames: [], tls: false, clientCertificates: false, routes: 1 };
  const address = "10.96.0.7:50051";
  return {
    ...{ name: "prod/echo:50051", wanted: address, address, reason: "listening" },
    ...{ connections: 0, chains: [chain] },
    ...more,
  };
}

test("a listener is ACTIVE where clients reach it; how, unless it listens, or why not is told", () => {
  const listeners = [
    listener({}),
    listener({ reason: "captured" }),
    listener({ address: null, reason: "cannot listen: address in use" }),
  ];
  assert.deepEqual(
    ownRows("listeners", { listeners })?.map((row) => [row.address, row.status, row.reason]),
    [
      ["10.96.0.7:50051", "ACTIVE", null],
      ["10.96.0.7:50051", "ACTIVE", "captured"],
      ["10.96.0.7:50051", "NOT BOUND", "cannot listen: address in use"],
    ],
  );
});
