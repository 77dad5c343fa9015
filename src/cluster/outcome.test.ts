/** Tests of what counts as a call that went well. */
import assert from "node:assert/strict";
import test from "node:test";
import { Status } from "../grpc/index.ts";
import { headerList } from "../http2/index.ts";
import { isGrpcRequest, responseStatus } from "./outcome.ts";

const grpc = headerList([["content-type", "application/grpc+proto"]]);
const plain = headerList([["content-type", "application/json"]]);
const trailers = (status: string) => headerList([["grpc-status", status]]);
const headers = (status: string) => headerList([[":status", status]]);

const isOkResponse = (...lists: Parameters<typeof responseStatus>): boolean =>
  responseStatus(...lists) === Status.OK;

test("a request is gRPC by its content-type alone", () => {
  assert.equal(isGrpcRequest(grpc), true);
  assert.equal(isGrpcRequest(headerList([["content-type", "application/grpc"]])), true);
  assert.equal(isGrpcRequest(headerList([["content-type", "application/grpc-web"]])), false);
  assert.equal(isGrpcRequest(plain), false);
  assert.equal(isGrpcRequest(headerList([])), false);
});

test("gRPC calls went well with grpc-status 0 and nothing else", () => {
  const ok = headers("200");
  assert.equal(isOkResponse(trailers("0"), ok, grpc), true);
  assert.equal(isOkResponse(trailers("13"), ok, grpc), false);
  assert.equal(isOkResponse(headerList([]), ok, grpc), false, "trailers without a status");
  assert.equal(isOkResponse(null, ok, grpc), false, "no trailers");
  assert.equal(isOkResponse(ok, ok, grpc), false, "headers alone, without a status");
});

test("other calls went well with an HTTP status below 500", () => {
  for (const [status, isOk] of [
    ["200", true],
    ["404", true],
    ["499", true],
    ["500", false],
    ["503", false],
  ] as const) {
    assert.equal(isOkResponse(null, headers(status), plain), isOk, `${status}, a body`);
    assert.equal(isOkResponse(headerList([]), headers(status), plain), isOk, `${status}, trailers`);
    assert.equal(isOkResponse(headers(status), headers(status), plain), isOk, `${status}, bare`);
  }
});

test("a grpc-status counts, whatever the request was", () => {
  assert.equal(isOkResponse(trailers("5"), headers("200"), plain), false);
});

test("what is not OK has the status that was sent, or one that follows from HTTP", () => {
  assert.equal(responseStatus(trailers("13"), headers("200"), grpc), Status.INTERNAL);
  assert.equal(responseStatus(trailers("99"), headers("200"), grpc), Status.UNKNOWN);
  assert.equal(responseStatus(null, headers("503"), grpc), Status.UNAVAILABLE);
  assert.equal(responseStatus(null, headers("503"), plain), Status.UNAVAILABLE);
  assert.equal(responseStatus(headerList([]), headers("200"), grpc), Status.UNKNOWN);
});
