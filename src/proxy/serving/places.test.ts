/** Tests of where listeners are bound: which place is whose, and which is nobody's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { listenerOf, tableOf } from "../../../test/support/mesh-proxy.ts";
import { listenAddressText } from "../../transport/index.ts";
import type { ListenPlace } from "../config.ts";
import { placeListeners } from "./places.ts";

function placed(ports: readonly number[], places: readonly ListenPlace[]) {
  const specs = ports.map((port) => listenerOf(`prod/edge:${port}`, tableOf([]), port));
  const { placed: found, unused } = placeListeners(specs, places);
  return { at: found.map(([, address]) => listenAddressText(address)), unused };
}

function place(port: number | null, at: number): ListenPlace {
  return { port, address: { host: "127.0.0.1", port: at } };
}

// By their names, as an xDS server tells listeners, "edge:443" came before "edge:80".
test("a place without a port is for the lowest port that has none, whatever the order", () => {
  const places = [place(null, 1), place(null, 2), place(8443, 3)];
  const { at, unused } = placed([443, 80, 8443], places);
  assert.deepEqual(at, ["127.0.0.1:2", "127.0.0.1:1", "127.0.0.1:3"]);
  assert.deepEqual(unused, []);
});

// A Gateway of port 8080, "--listen 8081=...": it was on 0.0.0.0:8080, and nothing said why.
test("a place that no listener has is said, with the ports that there are", () => {
  assert.deepEqual(placed([8080], [place(8081, 1)]), {
    at: ["127.0.0.1:8080"],
    unused: [
      {
        place: "8081=127.0.0.1:1",
        reason: "no listener has port 8081; there are listeners of 8080",
      },
    ],
  });
  const { unused } = placed([80, 443], [place(null, 1), place(null, 2), place(null, 3)]);
  assert.deepEqual(unused, [
    { place: "127.0.0.1:3", reason: "every port has a place; there are listeners of 80, 443" },
  ]);
  assert.deepEqual(placed([], [place(8081, 1)]).unused, [], "there is no configuration yet");
});

test("a listener without an address has every place without a port", () => {
  const spec = { ...listenerOf("calls", tableOf([])), address: null };
  const found = placeListeners([spec], [place(null, 1), place(null, 2)]);
  assert.deepEqual([found.placed.length, found.unused], [2, []]);
});
