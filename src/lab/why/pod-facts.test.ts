/** Since when the slices say what they say of a pod. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../base/index.ts";
import type { EndpointSlice } from "../../discovery/index.ts";
import { SliceJournal } from "./pod-facts.ts";

function sliceOf(name: string, endpoints: readonly [pod: string, isReady: boolean][]) {
  return {
    metadata: { namespace: "lab", name },
    ports: [{ name: "grpc", port: 50_051, protocol: "TCP" }],
    endpoints: endpoints.map(([pod, ready], index) => ({
      ...{ addresses: [`127.0.1.${index + 1}`], ready, terminating: false },
      targetRef: { kind: "Pod", name: pod, uid: pod },
    })),
  } as unknown as EndpointSlice;
}

test("a pod's time begins anew when something else is said of it, and only then", () => {
  const clock = new VirtualClock();
  let slices: readonly EndpointSlice[] = [];
  const journal = new SliceJournal(clock, () => slices);
  const tell = (...now: readonly EndpointSlice[]): void => {
    slices = now;
    journal.onChange();
  };
  assert.equal(journal.factOf("echo-1"), null);
  tell(sliceOf("echo-a", [["echo-1", true]]));
  clock.advance(12_300);
  tell(
    sliceOf("echo-a", [
      ["echo-1", true],
      ["echo-2", true],
    ]),
  );
  clock.advance(1000);
  assert.equal(journal.factOf("echo-1")?.forMs, 13_300);
  assert.deepEqual(journal.factOf("echo-2"), {
    ...{ slice: "lab/echo-a", address: "127.0.1.2:50051" },
    ...{ isReady: true, isTerminating: false, forMs: 1000 },
  });
  tell(sliceOf("echo-a", [["echo-1", false]]));
  assert.equal(journal.factOf("echo-1")?.forMs, 0);
  assert.equal(journal.factOf("echo-1")?.isReady, false);
  assert.equal(journal.factOf("echo-2"), null);
});
