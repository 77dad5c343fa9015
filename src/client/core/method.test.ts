/** Tests of the request headers that a channel keeps for a method. */
import assert from "node:assert/strict";
import test from "node:test";
import { MethodConfigs } from "../../grpc/index.ts";
import { newField } from "../../http2/index.ts";
import { Method } from "./method.ts";

const SETTINGS = {
  scheme: "http",
  authority: "echo.test:1",
  userAgent: "tester/1",
  contentType: "application/grpc",
} as const;

function method(encoding: "identity" | "gzip" = "identity"): Method {
  return new Method("/a.B/C", encoding, SETTINGS, MethodConfigs.NONE.find("/a.B/C"));
}

test("a call without deadline and metadata has the one list, in the order of the protocol", () => {
  const one = method();
  const list = one.headers(Number.POSITIVE_INFINITY, null);
  assert.equal(one.headers(Number.POSITIVE_INFINITY, []), list);
  assert.deepEqual(list.toPairs(), [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", "/a.B/C"],
    [":authority", "echo.test:1"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ["user-agent", "tester/1"],
    ["grpc-accept-encoding", "identity,deflate,gzip"],
  ]);
  assert.equal(method("gzip").headers(Number.POSITIVE_INFINITY, null).get("grpc-encoding"), "gzip");
});

test("equal time-outs have one list, cut to whole milliseconds and never made longer", () => {
  const one = method();
  const list = one.headers(1_000.9, null);
  assert.equal(list.get("grpc-timeout"), "1000m");
  assert.equal(one.headers(1_000.1, null), list);
  assert.notEqual(one.headers(999.9, null), list);
  const short = one.headers(1.5, null).get("grpc-timeout");
  assert.equal(short, "1500u", "a short one keeps its fraction");
});

test("metadata follows what is the protocol's, and changes no list that is kept", () => {
  const one = method();
  const own = one.headers(50, [newField("x-a", "1"), newField("x-a", "2")]);
  assert.deepEqual(own.toPairs().slice(-3), [
    ["grpc-timeout", "50000u"],
    ["x-a", "1"],
    ["x-a", "2"],
  ]);
  assert.equal(one.headers(50, null).get("x-a"), null);
});

test("time-outs of all kinds do not fill the memory", () => {
  const one = method();
  const first = one.headers(1_000, null);
  for (let ms = 2_000; ms < 2_100; ms += 1) one.headers(ms, null);
  assert.notEqual(one.headers(1_000, null), first, "the collection began anew");
});
