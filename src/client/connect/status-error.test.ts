/** Errors from statuses, and what a server can get wrong in their details. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { Status } from "../../grpc/index.ts";
import { headerList } from "../../http2/index.ts";
import { statusError } from "./status-error.ts";

function errorWith(details: Buffer | string) {
  const text = typeof details === "string" ? details : details.toString("base64");
  const trailers = headerList([
    ["grpc-status", "5"],
    ["grpc-message", "plain"],
    ["grpc-status-details-bin", text],
  ]);
  return statusError({ code: Status.NOT_FOUND, details: "plain", trailers }, null);
}

test("code and message of the details count before those of the fields", () => {
  const error = errorWith(Buffer.from([0x08, 7, 0x12, 4, ...Buffer.from("rich")]));
  assert.deepEqual([error.code, error.rawMessage], [Code.PermissionDenied, "rich"]);
  assert.deepEqual(error.details, []);
});

test("an unknown field of the details is passed over, a detail without a URL is nameless", () => {
  const any = [0x12, 2, 1, 2, 0x1a, 1, 9];
  const error = errorWith(Buffer.from([0x08, 7, 0x22, 1, 0, 0x1a, any.length, ...any]));
  assert.deepEqual(error.details, [{ type: "", value: new Uint8Array([1, 2]) }]);
});

const USELESS: readonly (readonly [string, Buffer | string])[] = [
  ["cut short", Buffer.from([0x08, 7, 0x12, 40, 1])],
  ["a detail cut short", Buffer.from([0x08, 7, 0x1a, 2, 0x0a, 40])],
  ["not base64", "$$$"],
  ["empty", ""],
  ["the code OK", Buffer.from([0x08, 0])],
  ["a code that does not exist", Buffer.from([0x08, 99])],
  ["a negative code", Buffer.from([0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1])],
];

for (const [name, details] of USELESS) {
  test(`details that make no sense leave the status: ${name}`, () => {
    const error = errorWith(details);
    assert.deepEqual([error.code, error.rawMessage], [Code.NotFound, "plain"]);
  });
}

test("metadata is that of the trailers and of the headers; a local status has none", () => {
  const trailers = headerList([
    ["grpc-status", "5"],
    ["x-a", "1"],
  ]);
  const headers = headerList([
    [":status", "200"],
    ["x-a", "2"],
  ]);
  const { metadata } = statusError({ code: 5, details: "", trailers }, headers);
  assert.deepEqual(
    [...metadata],
    [
      ["grpc-status", "5"],
      ["x-a", "1, 2"],
    ],
  );
  const local = statusError({ code: 14, details: "no endpoint", trailers: null }, null);
  assert.deepEqual([local.code, local.rawMessage], [Code.Unavailable, "no endpoint"]);
  assert.deepEqual([...local.metadata], []);
});
