/** Tests of status codes, content types and trailers-only answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isGrpcContentType,
  parseGrpcStatus,
  Status,
  statusFromHttp,
  statusFromHttp2,
  statusName,
  trailersOnly,
} from "./index.ts";

test("there are 17 status codes, each with its name, numbered without a gap", () => {
  const codes = Object.values(Status);
  assert.deepEqual(codes, [...Array(17).keys()]);
  for (const [name, code] of Object.entries(Status)) assert.equal(statusName(code), name);
  for (const code of [17, 99, -1, 1.5, Number.NaN]) assert.equal(statusName(code), "UNKNOWN");
});

test("grpc-status is a decimal number without leading zeros, anything else is UNKNOWN", () => {
  for (let code = 0; code <= 16; code += 1) assert.equal(parseGrpcStatus(`${code}`), code);
  for (const bad of ["", "00", "01", "17", "99", "100", "-1", "+1", "1.0", " 1", "1 ", "x", "²"]) {
    assert.equal(parseGrpcStatus(bad), Status.UNKNOWN, JSON.stringify(bad));
  }
});

test("http-grpc-status-mapping: every row, and UNKNOWN for all other codes", () => {
  const rows: Record<number, string> = {
    400: "INTERNAL",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "UNIMPLEMENTED",
    429: "UNAVAILABLE",
    431: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "UNAVAILABLE",
  };
  for (let code = 0; code < 1000; code += 1) {
    assert.equal(statusName(statusFromHttp(code)), rows[code] ?? "UNKNOWN", `${code}`);
  }
});

test("PROTOCOL-HTTP2: every RST_STREAM code has its status", () => {
  const names = Array.from({ length: 14 }, (_, code) => statusName(statusFromHttp2(code)));
  const others: Record<number, string> = {
    7: "UNAVAILABLE",
    8: "CANCELLED",
    11: "RESOURCE_EXHAUSTED",
    12: "PERMISSION_DENIED",
  };
  assert.deepEqual(
    names,
    names.map((_, code) => others[code] ?? "INTERNAL"),
  );
  for (const code of [14, 0xffffffff, -1]) {
    assert.equal(statusFromHttp2(code), Status.UNKNOWN);
  }
});

test("a content type is gRPC by its whole first word", () => {
  for (const yes of [
    "application/grpc",
    "application/grpc+proto",
    "application/grpc+json; charset=utf-8",
    "application/grpc;charset=utf-8",
    "application/grpc ; a=b",
    "Application/GRPC+proto",
  ]) {
    assert.ok(isGrpcContentType(yes), yes);
  }
  for (const no of [
    "",
    "application/grp",
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpcx",
    "application/json",
    " application/grpc",
    "text/plain; x=application/grpc",
    null,
    undefined,
  ]) {
    assert.ok(!isGrpcContentType(no), `${no}`);
  }
});

test("a trailers-only answer is HTTP 200 with type, status and encoded message", () => {
  assert.deepEqual(trailersOnly(Status.UNAVAILABLE, "fairlead: 100% gone\n"), [
    [":status", "200"],
    ["content-type", "application/grpc"],
    ["grpc-status", "14"],
    ["grpc-message", "fairlead: 100%25 gone%0A"],
  ]);
  assert.equal(trailersOnly(Status.CANCELLED, "").length, 3);
});
