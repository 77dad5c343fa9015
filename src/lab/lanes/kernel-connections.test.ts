/** Which pod a connection to a virtual IP went to, from what the kernel lists. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { carriedOf } from "./kernel-connections.ts";

/** The client 10.96.0.10:40000 and its virtual IP 10.96.0.10:50051, which gave it to 10.244.1.2. */
const TEXT = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 0201F40A:C383 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0
   1: 0A00600A:9C40 0A00600A:C383 01 00000000:00000000 00:00000000 00000000     0
   2: 0201F40A:C383 0A00600A:9C40 01 00000000:00000000 00:00000000 00000000     0
   3: 0A00600A:9C41 0A00600A:C383 06 00000000:00000000 00:00000000 00000000     0
   4: 0A00600A:9C42 0A00600A:C384 01 00000000:00000000 00:00000000 00000000     0
`;

test("a connection leads to whoever has the client's address as its other end", () => {
  assert.deepEqual(carriedOf(TEXT, "10.96.0.10:50051"), [
    { from: "10.96.0.10:40000", to: "10.244.1.2:50051" },
  ]);
});

test("what has ended, or leads to nobody here, is no connection", () => {
  assert.deepEqual(carriedOf(TEXT, "10.96.0.10:50052"), []);
  assert.deepEqual(carriedOf("", "10.96.0.10:50051"), []);
});
